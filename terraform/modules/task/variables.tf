variable "name" {
  description = "Name of the program."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.name))
    error_message = "name must have 2 to 21 lower-case letters, digits and hyphens, and start with a letter."
  }
}

variable "environment_name" {
  description = "Name of the environment, the prefix of all names."
  type        = string
  nullable    = false
}

variable "cpu" {
  description = "CPU units of a task (1024 per core)."
  type        = number
  nullable    = false

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.cpu)
    error_message = "cpu must be one of Fargate's sizes: 256, 512, 1024, 2048, 4096, 8192 or 16384 (1024 is one core)."
  }
}

variable "memory_mib" {
  description = "Memory of a task in MiB."
  type        = number
  nullable    = false

  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
  validation {
    condition = (
      var.cpu == 256 ? contains([512, 1024, 2048], var.memory_mib) :
      var.cpu >= 8192 ? var.memory_mib >= 2 * var.cpu && var.memory_mib <= 7.5 * var.cpu && var.memory_mib % (var.cpu / 2) == 0 :
      var.memory_mib >= 2 * var.cpu && var.memory_mib <= (var.cpu == 4096 ? 30720 : min(8 * var.cpu, 16384)) && var.memory_mib % 1024 == 0
    )
    error_message = "Fargate does not support ${var.memory_mib} MiB with ${var.cpu} CPU units. Choose 2 to 8 times the CPU units, in steps of 1024 (with 256 CPU: 512, 1024 or 2048)."
  }
}

variable "ephemeral_storage_gib" {
  description = "Disk of a task in GiB, 21 to 200. Null: the free 20 GiB."
  type        = number
  default     = null

  validation {
    condition     = var.ephemeral_storage_gib == null ? true : var.ephemeral_storage_gib >= 21 && var.ephemeral_storage_gib <= 200
    error_message = "ephemeral_storage_gib must be between 21 and 200, or null for the 20 GiB that every task has."
  }
}

variable "containers" {
  description = <<-TEXT
    Containers of the task by name.
      image                 image with a tag or digest
      entry_point, command  null: those of the image
      ports                 ports by name: number, and protocol (http or grpc) if Service Connect must balance calls
      environment, secrets  variables; a secret is a reference to Secrets Manager
      health_check          command without a shell; failures during start_period_seconds do not count
      stop_timeout_seconds  time between SIGTERM and SIGKILL
      volumes               directories by name that live as long as the task. The image must declare each with VOLUME.
                            Otherwise it belongs to root, and the program can't write to it.
      after                 containers and the states (SUCCESS, HEALTHY, ...) for which this container waits
      essential             whether the task ends when this container ends
      read_only_root        false only for containers of tasks with sessions: the agent of Session Manager writes there
  TEXT
  type = map(object({
    image                = string
    entry_point          = optional(list(string))
    command              = optional(list(string))
    ports                = optional(map(object({ number = number, protocol = optional(string) })), {})
    environment          = optional(map(string), {})
    secrets              = optional(map(string), {})
    health_check         = optional(object({ command = list(string), start_period_seconds = optional(number, 60) }))
    stop_timeout_seconds = optional(number, 30)
    volumes              = optional(map(object({ path = string, read_only = optional(bool, false) })), {})
    after                = optional(map(string), {})
    essential            = optional(bool, true)
    read_only_root       = optional(bool, true)
  }))
  nullable = false

  validation {
    condition     = alltrue([for container in var.containers : !endswith(container.image, ":latest") && can(regex("[:@]", container.image))])
    error_message = "An image must have a tag or a digest, and the tag must not be \"latest\", because it names no release and allows no rollback."
  }

  validation {
    condition     = alltrue([for container in var.containers : container.stop_timeout_seconds >= 1 && container.stop_timeout_seconds <= 120])
    error_message = "stop_timeout_seconds must be between 1 and 120, the maximum of Fargate."
  }

  validation {
    condition     = alltrue(flatten([for container in var.containers : [for name in keys(container.environment) : !can(regex("PASSWORD|SECRET|TOKEN", name))]]))
    error_message = "A password, secret or token must be in secrets, because environment is readable for all users of the account."
  }
}

variable "repository_arns" {
  description = "ARNs of the repositories of the images."
  type        = set(string)
  nullable    = false
}

variable "bucket_access" {
  description = "Prefix of a bucket that the program may read, and write if writes is true. Null: no access."
  type        = object({ bucket_arn = string, prefix = string, writes = bool })
  default     = null
}

variable "sessions" {
  description = "Whether users of the account who may open sessions (Session Manager) can do so in the task."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts logs, secrets and bucket."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Retention of logs, in days."
  type        = number
  nullable    = false
}
