variable "name" {
  description = "Name of the environment and of the load balancer."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,26}$", var.name))
    error_message = "name must have 2 to 27 lower-case letters, digits and hyphens, because names of load balancers are short."
  }
}

variable "vpc_id" {
  description = "VPC of the targets."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "IDs of public subnets in at least two zones."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name public subnets in at least two zones: a load balancer needs them."
  }
}

variable "security_group_id" {
  description = "ID of the security group of the load balancer."
  type        = string
  nullable    = false
}

variable "ports" {
  description = "Ports of the targets."
  type        = object({ web = number, preprocess = number })
  nullable    = false
}

variable "domain_name" {
  description = "Host name of the page; gRPC uses grpc.DOMAIN. Null: the DNS name of the load balancer."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null ? true : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "domain_name must be a host name such as fruits.example.org, without https:// and path."
  }
}

variable "certificate_arn" {
  description = "ARN of a certificate in ACM for domain_name and grpc.DOMAIN, in the region of the load balancer. Null: plain HTTP."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null ? true : can(regex("^arn:[a-z-]+:acm:[a-z0-9-]+:\\d{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate in ACM, arn:aws:acm:REGION:ACCOUNT:certificate/ID."
  }

  validation {
    condition     = var.certificate_arn == null ? true : var.domain_name != null
    error_message = "A certificate is for a host name: set domain_name as well."
  }

  validation {
    condition     = var.certificate_arn == null ? true : try(split(":", var.certificate_arn)[3], "") == data.aws_region.current.name
    error_message = "The certificate is in another region than the load balancer (${data.aws_region.current.name}), which can't use it there. Request one in this region."
  }
}

variable "zone_id" {
  description = "ID of the Route 53 zone for records of domain_name and grpc.DOMAIN. Null: create the records yourself."
  type        = string
  default     = null

  validation {
    condition     = var.zone_id == null ? true : var.domain_name != null
    error_message = "zone_id needs domain_name, the name that shall point to the load balancer."
  }
}

variable "log_bucket" {
  description = "Name of the bucket for access logs."
  type        = string
  nullable    = false
}

variable "deregistration_delay_seconds" {
  description = "Time in seconds in which a removed task may finish its requests. It must be longer than the longest request."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.deregistration_delay_seconds >= 10 && var.deregistration_delay_seconds <= 300
    error_message = "deregistration_delay_seconds must be between 10 and 300."
  }
}

variable "protected" {
  description = "Whether deletion is refused."
  type        = bool
  nullable    = false
}
