variable "name" {
  description = "Name of the environment. The alias of the key is alias/NAME."
  type        = string
  nullable    = false
}

variable "log_group_prefixes" {
  description = "Prefixes of log groups for which CloudWatch Logs may use the key."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "used_by_alerts" {
  description = "Whether alarms, budgets and events may use the key to publish to an encrypted SNS topic."
  type        = bool
  default     = false
  nullable    = false
}
