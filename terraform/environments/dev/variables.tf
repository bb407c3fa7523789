variable "region" {
  description = "AWS region."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[1-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-west-3 (Paris) or us-east-1. A zone (eu-west-3a) or a city is not a region."
  }
}

variable "image_tag" {
  description = "Release to run: the tag of its images from scripts/push-images.sh."
  type        = string
  nullable    = false
}

variable "domain_name" {
  description = "Host name of the page; gRPC uses grpc.DOMAIN. Null: the DNS name of the load balancer."
  type        = string
  default     = null
}

variable "certificate_arn" {
  description = "ARN of a certificate in ACM for domain_name and grpc.DOMAIN. Null: plain HTTP and no gRPC."
  type        = string
  default     = null
}

variable "zone_id" {
  description = "ID of the Route 53 zone for records of domain_name and grpc.DOMAIN. Null: create the records yourself."
  type        = string
  default     = null
}

variable "alarm_email" {
  description = "E-mail address for alerts about faults and costs."
  type        = string
  nullable    = false
}

variable "client_cidr_blocks" {
  description = "IPv4 ranges of allowed clients."
  type        = list(string)
  default     = ["0.0.0.0/0"]
  nullable    = false
}

variable "taken_cidr_blocks" {
  description = "IPv4 ranges of other networks that may be connected to this one later."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "settings" {
  description = "Additional settings of services and trainer by name: { VERGER_MODEL_NAME = \"flowers\" }."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "database_password_generation" {
  description = "Number of the database password. Raise it by one to generate a new password."
  type        = number
  default     = 1
  nullable    = false
}
