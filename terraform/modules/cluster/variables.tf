variable "name" {
  description = "Name of the environment and of the cluster."
  type        = string
  nullable    = false
}

variable "vpc_id" {
  description = "VPC in which the private DNS names are valid."
  type        = string
  nullable    = false
}
