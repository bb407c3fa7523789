variable "name" {
  description = "Name of the service, by which other services call it."
  type        = string
  nullable    = false
}

variable "environment_name" {
  description = "Name of the environment, the prefix of all names."
  type        = string
  nullable    = false
}

variable "cluster" {
  description = "Cluster of the service, and its Service Connect namespace."
  type        = object({ name = string, arn = string, service_connect_namespace_arn = string })
  nullable    = false
}

variable "size" {
  description = "CPU units (1024 per core) and memory of a task, minimum and maximum number of tasks, and whether to use Spot capacity."
  type = object({
    cpu        = number
    memory_mib = number
    min_tasks  = number
    max_tasks  = number
    spot       = optional(bool, false)
  })
  nullable = false

  validation {
    condition     = var.size.min_tasks >= 1 && var.size.min_tasks <= var.size.max_tasks && var.size.max_tasks <= 100
    error_message = "size must have 1 <= min_tasks <= max_tasks <= 100."
  }
}

variable "container" {
  description = "Container of the task; see the module task."
  type = object({
    image                = string
    ports                = map(object({ number = number, protocol = optional(string) }))
    environment          = map(string)
    secrets              = optional(map(string), {})
    health_check         = object({ command = list(string), start_period_seconds = optional(number, 60) })
    stop_timeout_seconds = number
    volumes              = map(object({ path = string, read_only = optional(bool, false) }))
  })
  nullable = false
}

variable "repository_arn" {
  description = "ARN of the repository of the image."
  type        = string
  nullable    = false
}

variable "called_port" {
  description = "Name of the port in container that other services call. Null: no service calls this one."
  type        = string
  default     = null
}

variable "callees" {
  description = "ARNs of the services that this one calls. A task sees only services that existed in Service Connect before it."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "dns_namespace" {
  description = "Namespace in which the tasks also get a DNS name. Null: no DNS name."
  type        = object({ id = string })
  default     = null
}

variable "target_group_arns" {
  description = "ARNs of target groups of the load balancer by the name of the port that they forward to."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "request_scaling" {
  description = "Target number of requests per minute and task, and the label of load balancer and target group. Null: scale by CPU only."
  type        = object({ per_task_and_minute = number, resource_label = string })
  default     = null
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

variable "bucket_access" {
  description = "Prefix of a bucket that the service may use; see the module task."
  type        = object({ bucket_arn = string, prefix = string, writes = bool })
  default     = null
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
