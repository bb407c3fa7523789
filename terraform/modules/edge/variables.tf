variable "name" {
  description = "Name of the environment, and of the load balancer."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,26}$", var.name))
    error_message = "name must have 2 to 27 lower-case letters, digits and hyphens: names of load balancers are short."
  }
}

variable "vpc_id" {
  description = "VPC of the targets."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Public subnets, in at least two zones."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name public subnets in at least two zones: a load balancer runs in no fewer."
  }
}

variable "security_group_id" {
  description = "Security group of the load balancer."
  type        = string
  nullable    = false
}

variable "ports" {
  description = "Ports that the targets listen on."
  type        = object({ web = number, preprocess = number })
  nullable    = false
}

variable "domain_name" {
  description = "Host name of the page; gRPC answers on grpc.DOMAIN. Null: the load balancer's own name."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null ? true : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "domain_name must be a host name such as fruits.example.org, without https:// and path."
  }
}

variable "certificate_arn" {
  description = "Certificate in ACM for domain_name and grpc.DOMAIN, in the load balancer's region. Null: plain HTTP."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null ? true : can(regex("^arn:[a-z-]+:acm:[a-z0-9-]+:\\d{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate in ACM, arn:aws:acm:REGION:ACCOUNT:certificate/ID."
  }

  validation {
    condition     = var.certificate_arn == null ? true : var.domain_name != null
    error_message = "A certificate is for a host name: set domain_name too."
  }

  validation {
    condition     = var.certificate_arn == null ? true : try(split(":", var.certificate_arn)[3], "") == data.aws_region.current.name
    error_message = "The certificate is in another region than the load balancer (${data.aws_region.current.name}), which can't use it there. Request one in this region."
  }
}

variable "zone_id" {
  description = "Route 53 zone that gets records for domain_name and grpc.DOMAIN. Null: make them yourself."
  type        = string
  default     = null

  validation {
    condition     = var.zone_id == null ? true : var.domain_name != null
    error_message = "zone_id without domain_name: say which name shall point to the load balancer."
  }
}

variable "log_bucket" {
  description = "Bucket that takes the access logs."
  type        = string
  nullable    = false
}

variable "deregistration_delay_seconds" {
  description = "How long a task that is taken away may finish its requests. At least the longest request."
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
