variable "name" {
  description = "Name of the environment; the key's alias is alias/NAME."
  type        = string
  nullable    = false
}

variable "log_group_prefixes" {
  description = "CloudWatch Logs may use the key for log groups whose names start with one of these."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "used_by_alerts" {
  description = "Whether alarms, budgets and events may use the key, to publish to an encrypted SNS topic."
  type        = bool
  default     = false
  nullable    = false
}
