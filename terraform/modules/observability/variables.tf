variable "name" {
  description = "Name of the environment, in front of all names."
  type        = string
  nullable    = false
}

variable "alarm_email" {
  description = "Who is told. AWS sends a mail with a link that must be followed once."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email must be an address such as ops@example.org; an alarm that nobody gets is none."
  }
}

variable "monthly_budget_usd" {
  description = "What the account may cost in a month before somebody is told."
  type        = number
  nullable    = false

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd must be above 0."
  }
}

variable "p99_seconds" {
  description = "Answer time that one request in a hundred may exceed."
  type        = number
  default     = 2
  nullable    = false
}

variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
  nullable    = false
}

variable "cluster_arn" {
  description = "ARN of the cluster."
  type        = string
  nullable    = false
}

variable "services" {
  description = "Names of the services; inference must be one of them."
  type        = list(string)
  nullable    = false

  validation {
    condition     = contains(var.services, "inference")
    error_message = "services must name inference, whose champion an alarm watches."
  }
}

variable "metric_names" {
  description = "How CloudWatch calls the load balancer."
  type        = object({ load_balancer = string })
  nullable    = false
}

variable "inference_log_group_name" {
  description = "Log group of the inference service."
  type        = string
  nullable    = false
}

variable "trainer_family" {
  description = "Name of the trainer's task definition."
  type        = string
  nullable    = false
}

variable "trainer_log_group_name" {
  description = "Log group of the trainer."
  type        = string
  nullable    = false
}

variable "database_identifier" {
  description = "Name of the database instance."
  type        = string
  nullable    = false
}

variable "kms_key_arn" {
  description = "Key that encrypts alerts on their way."
  type        = string
  nullable    = false
}
