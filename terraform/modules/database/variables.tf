variable "name" {
  description = "Name of the environment, and of the database instance."
  type        = string
  nullable    = false
}

variable "engine_version" {
  description = "PostgreSQL's version: the major one, so that AWS chooses the minor one."
  type        = string
  default     = "16"
  nullable    = false

  validation {
    condition     = can(regex("^1[5-9](\\.\\d+)?$", var.engine_version))
    error_message = "engine_version must be a PostgreSQL from 15 on, such as 16 or 16.4."
  }
}

variable "instance_class" {
  description = "Size of the instance."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "instance_class must be a class of RDS instances, such as db.t4g.micro."
  }
}

variable "storage_gib" {
  description = "Disk to start with; it grows by itself to four times that."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.storage_gib >= 20 && var.storage_gib <= 4096
    error_message = "storage_gib must be between 20 (the least that gp3 has) and 4096."
  }
}

variable "multi_zone" {
  description = "Whether a standby in another zone takes over when one fails."
  type        = bool
  nullable    = false
}

variable "backup_retention_days" {
  description = "Any second of so many past days can be restored."
  type        = number
  nullable    = false

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "backup_retention_days must be between 1 and 35; the registry is worth a backup."
  }
}

variable "protected" {
  description = "Whether deletion is refused (who overrules that by hand is left a last snapshot) and changes wait for the maintenance window."
  type        = bool
  nullable    = false
}

variable "password_generation" {
  description = "Raise it by one to get a new password; MLflow's tasks are replaced with it."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.password_generation >= 1 && floor(var.password_generation) == var.password_generation
    error_message = "password_generation must be a whole number from 1 on; raise it by one to get a new password."
  }
}

variable "port" {
  description = "Port that the database listens on."
  type        = number
  default     = 5432
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets, in at least two zones."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name subnets in at least two zones."
  }
}

variable "security_group_id" {
  description = "Security group of the database."
  type        = string
  nullable    = false
}

variable "kms_key_arn" {
  description = "Key that encrypts disk, backups, logs and password."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  nullable    = false
}
