variable "name" {
  description = "Name of the environment, the prefix of all names."
  type        = string
  nullable    = false
}

variable "alarm_email" {
  description = "E-mail address for alerts. AWS sends a confirmation link to it, which must be opened once."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email must be an address such as ops@example.org. Someone must receive the alarms."
  }
}

variable "monthly_budget_usd" {
  description = "Monthly costs of the account in USD above which an alert is sent."
  type        = number
  nullable    = false

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd must be greater than 0."
  }
}

variable "p99_seconds" {
  description = "Response time in seconds that 1 % of requests may exceed."
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
  description = "Names of the services, including inference."
  type        = list(string)
  nullable    = false

  validation {
    condition     = contains(var.services, "inference")
    error_message = "services must contain inference, because an alarm watches its champion."
  }
}

variable "metric_names" {
  description = "Name of the load balancer in CloudWatch metrics."
  type        = object({ load_balancer = string })
  nullable    = false
}

variable "inference_log_group_name" {
  description = "Name of the log group of inference."
  type        = string
  nullable    = false
}

variable "trainer_family" {
  description = "Name of the trainer's task definition."
  type        = string
  nullable    = false
}

variable "trainer_log_group_name" {
  description = "Name of the log group of the trainer."
  type        = string
  nullable    = false
}

variable "database_identifier" {
  description = "Name of the database instance."
  type        = string
  nullable    = false
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts alerts."
  type        = string
  nullable    = false
}
