variable "environment_name" {
  description = "Name of the environment, the prefix of all names."
  type        = string
  nullable    = false
}

variable "size" {
  description = "CPU units (1024 per core), memory and disk of a training, and whether to use Spot capacity, which costs less and may be interrupted."
  type = object({
    cpu         = number
    memory_mib  = number
    storage_gib = optional(number)
    spot        = optional(bool, false)
  })
  nullable = false
}

variable "containers" {
  description = "Containers of trainer and registrar; see the module task."
  type = object({
    trainer   = object({ environment = map(string), stop_timeout_seconds = number, volumes = map(object({ path = string, read_only = optional(bool, false) })) })
    registrar = object({ environment = map(string), stop_timeout_seconds = number, volumes = map(object({ path = string, read_only = optional(bool, false) })) })
  })
  nullable = false
}

variable "images" {
  description = "Images of trainer and registrar, and of MLflow, which downloads the data."
  type = object({
    trainer   = object({ uri = string, repository_arn = string })
    registrar = object({ uri = string, repository_arn = string })
    mlflow    = object({ uri = string, repository_arn = string })
  })
  nullable = false
}

variable "bucket" {
  description = "Bucket and prefix of the data sets."
  type        = object({ name = string, arn = string, prefix = string })
  nullable    = false
}

variable "dataset" {
  description = "Data set: the name of a folder under the prefix, which contains one folder per class."
  type        = string
  default     = "fruits"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-][A-Za-z0-9._-]*$", var.dataset))
    error_message = "dataset must be the name of one folder: letters, digits, dots, hyphens and underscores."
  }
}

variable "options" {
  description = "Additional options of `trainer train`, such as [\"--fine-tune\"]."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "schedule" {
  description = "Schedule of training in UTC, such as cron(0 3 ? * SUN *) or rate(7 days). Null: no schedule."
  type        = string
  default     = null

  validation {
    condition     = var.schedule == null ? true : can(regex("^(cron|rate)\\(.+\\)$", var.schedule))
    error_message = "schedule must be an expression of EventBridge Scheduler, such as cron(0 3 ? * SUN *) or rate(7 days)."
  }
}

variable "tunnel" {
  description = "Whether there is a task definition for tunnels to MLflow."
  type        = bool
  default     = false
  nullable    = false
}

variable "cluster_arn" {
  description = "ARN of the cluster for scheduled trainings."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "IDs of private subnets."
  type        = list(string)
  nullable    = false
}

variable "security_group_id" {
  description = "ID of the security group of the tasks."
  type        = string
  nullable    = false
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts logs, schedule and bucket."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Retention of logs, in days."
  type        = number
  nullable    = false
}
