variable "name" {
  description = "Name of the environment and of the database instance."
  type        = string
  nullable    = false
}

variable "engine_version" {
  description = "Version of PostgreSQL. With a major version alone, AWS chooses the minor version."
  type        = string
  default     = "16"
  nullable    = false

  validation {
    condition     = can(regex("^1[5-9](\\.\\d+)?$", var.engine_version))
    error_message = "engine_version must be PostgreSQL 15 or newer, such as 16 or 16.4."
  }
}

variable "instance_class" {
  description = "Instance class of RDS."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "instance_class must be a class of RDS instances, such as db.t4g.micro."
  }
}

variable "storage_gib" {
  description = "Initial disk size in GiB. RDS extends it automatically up to four times this size."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.storage_gib >= 20 && var.storage_gib <= 4096
    error_message = "storage_gib must be between 20 (the minimum of gp3) and 4096."
  }
}

variable "multi_zone" {
  description = "Whether a standby in another zone takes over when the first zone fails."
  type        = bool
  nullable    = false
}

variable "backup_retention_days" {
  description = "Number of past days for which the database can be restored to any second."
  type        = number
  nullable    = false

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "backup_retention_days must be between 1 and 35: the registry needs backups."
  }
}

variable "protected" {
  description = "Whether deletion is refused, a forced deletion leaves a final snapshot, and changes wait for the maintenance window."
  type        = bool
  nullable    = false
}

variable "password_generation" {
  description = "Number of the password. Raise it by one to generate a new password and replace MLflow's tasks."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.password_generation >= 1 && floor(var.password_generation) == var.password_generation
    error_message = "password_generation must be an integer of at least 1. Raise it by one to generate a new password."
  }
}

variable "port" {
  description = "Port of the database."
  type        = number
  default     = 5432
  nullable    = false
}

variable "subnet_ids" {
  description = "IDs of private subnets in at least two zones."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name subnets in at least two zones."
  }
}

variable "security_group_id" {
  description = "ID of the security group of the database."
  type        = string
  nullable    = false
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts disk, backups, logs and password."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Retention of logs, in days."
  type        = number
  nullable    = false
}
