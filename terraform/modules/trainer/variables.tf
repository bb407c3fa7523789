variable "environment_name" {
  description = "Name of the environment, in front of all names."
  type        = string
  nullable    = false
}

variable "size" {
  description = "CPU (1024 a core), memory and disk of a training, and whether on Spot capacity: 70 % cheaper, may be interrupted."
  type = object({
    cpu         = number
    memory_mib  = number
    storage_gib = optional(number)
    spot        = optional(bool, false)
  })
  nullable = false
}

variable "containers" {
  description = "How the images of trainer and registrar are run; see the module task."
  type = object({
    trainer   = object({ environment = map(string), stop_timeout_seconds = number, volumes = map(object({ path = string, read_only = optional(bool, false) })) })
    registrar = object({ environment = map(string), stop_timeout_seconds = number, volumes = map(object({ path = string, read_only = optional(bool, false) })) })
  })
  nullable = false
}

variable "images" {
  description = "Images of trainer and registrar, and MLflow's, which fetches the data."
  type = object({
    trainer   = object({ uri = string, repository_arn = string })
    registrar = object({ uri = string, repository_arn = string })
    mlflow    = object({ uri = string, repository_arn = string })
  })
  nullable = false
}

variable "bucket" {
  description = "Bucket and prefix under which data sets lie."
  type        = object({ name = string, arn = string, prefix = string })
  nullable    = false
}

variable "dataset" {
  description = "Data set to train on: a folder of class folders under the bucket's prefix."
  type        = string
  default     = "fruits"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-][A-Za-z0-9._-]*$", var.dataset))
    error_message = "dataset must be the name of one folder: letters, digits, dots, hyphens and underscores."
  }
}

variable "options" {
  description = "Further options of `trainer train`, such as [\"--fine-tune\"]."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "schedule" {
  description = "When to train by itself, in UTC: cron(0 3 ? * SUN *) or rate(7 days). Null: only when asked."
  type        = string
  default     = null

  validation {
    condition     = var.schedule == null ? true : can(regex("^(cron|rate)\\(.+\\)$", var.schedule))
    error_message = "schedule must be an expression of EventBridge Scheduler, such as cron(0 3 ? * SUN *) or rate(7 days)."
  }
}

variable "cluster_arn" {
  description = "Cluster that runs scheduled trainings."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets."
  type        = list(string)
  nullable    = false
}

variable "security_group_id" {
  description = "Security group of the tasks."
  type        = string
  nullable    = false
}

variable "kms_key_arn" {
  description = "Key that encrypts logs, schedule and bucket."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  nullable    = false
}
