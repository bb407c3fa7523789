variable "name" {
  description = "Name of the program."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.name))
    error_message = "name must have 2 to 21 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "environment_name" {
  description = "Name of the environment, in front of all names."
  type        = string
  nullable    = false
}

variable "cpu" {
  description = "CPU of a task, 1024 a core."
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
    error_message = "Fargate has no ${var.memory_mib} MiB with ${var.cpu} CPU. Take 2 to 8 times the CPU, in steps of 1024 (with 256 CPU: 512, 1024 or 2048)."
  }
}

variable "ephemeral_storage_gib" {
  description = "Disk of a task, 21 to 200. Null: the 20 GiB that cost nothing."
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
      image                 with tag or digest
      command               null: the image's own
      ports                 by name: number, and http or grpc where Service Connect shall balance calls
      environment, secrets  variables; a secret is a reference to Secrets Manager
      health_check          command without a shell; start_period_seconds is how long failures are forgiven
      stop_timeout_seconds  between SIGTERM and SIGKILL
      volumes               by name: directories that outlive a container but not the task. The image must declare each
                            with VOLUME, or it belongs to root and the program can't write there.
      after                 containers that must be in a state (SUCCESS, HEALTHY, ...) before this one starts
      essential             whether the task ends with it
  TEXT
  type = map(object({
    image                = string
    command              = optional(list(string))
    ports                = optional(map(object({ number = number, protocol = optional(string) })), {})
    environment          = optional(map(string), {})
    secrets              = optional(map(string), {})
    health_check         = optional(object({ command = list(string), start_period_seconds = optional(number, 60) }))
    stop_timeout_seconds = optional(number, 30)
    volumes              = optional(map(object({ path = string, read_only = optional(bool, false) })), {})
    after                = optional(map(string), {})
    essential            = optional(bool, true)
  }))
  nullable = false

  validation {
    condition     = alltrue([for container in var.containers : !endswith(container.image, ":latest") && can(regex("[:@]", container.image))])
    error_message = "An image must have a tag or a digest, and the tag must not be \"latest\": nobody could say what runs, or go back."
  }

  validation {
    condition     = alltrue([for container in var.containers : container.stop_timeout_seconds >= 1 && container.stop_timeout_seconds <= 120])
    error_message = "stop_timeout_seconds must be between 1 and 120, the most that Fargate waits."
  }

  validation {
    condition     = alltrue(flatten([for container in var.containers : [for name in keys(container.environment) : !can(regex("PASSWORD|SECRET|TOKEN", name))]]))
    error_message = "A password, secret or token doesn't belong into environment, where everybody can read it; name it in secrets."
  }
}

variable "repository_arns" {
  description = "Repositories that the images come from."
  type        = set(string)
  nullable    = false
}

variable "bucket_access" {
  description = "The one prefix of a bucket that the program may read, and write if it says so. Null: none."
  type        = object({ bucket_arn = string, prefix = string, writes = bool })
  default     = null
}

variable "kms_key_arn" {
  description = "Key that encrypts logs, secrets and bucket."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  nullable    = false
}
