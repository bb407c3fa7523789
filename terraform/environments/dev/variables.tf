variable "region" {
  description = "AWS region."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[1-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-west-3 (Paris) or us-east-1; a zone (eu-west-3a) or a city is none."
  }
}

variable "image_tag" {
  description = "Release to run: the tag that scripts/push-images.sh gave its images."
  type        = string
  nullable    = false
}

variable "domain_name" {
  description = "Host name of the page; gRPC answers on grpc.DOMAIN. Null: the load balancer's own name."
  type        = string
  default     = null
}

variable "certificate_arn" {
  description = "Certificate in ACM for domain_name and grpc.DOMAIN. Null: plain HTTP, no gRPC."
  type        = string
  default     = null
}

variable "zone_id" {
  description = "Route 53 zone that gets records for domain_name and grpc.DOMAIN. Null: make them yourself."
  type        = string
  default     = null
}

variable "alarm_email" {
  description = "Who is told when something is wrong or dear."
  type        = string
  nullable    = false
}

variable "client_cidr_blocks" {
  description = "IPv4 ranges of the clients that the load balancer accepts."
  type        = list(string)
  default     = ["0.0.0.0/0"]
  nullable    = false
}

variable "taken_cidr_blocks" {
  description = "IPv4 ranges of further networks that this one may be connected to one day."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "settings" {
  description = "Further settings of services and trainer, by their documented names: { VERGER_MODEL_NAME = \"flowers\" }."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "database_password_generation" {
  description = "Raise it by one to get a new password for MLflow's database."
  type        = number
  default     = 1
  nullable    = false
}
