variable "name" {
  description = "Name of the service, by which others call it."
  type        = string
  nullable    = false
}

variable "environment_name" {
  description = "Name of the environment, in front of all names."
  type        = string
  nullable    = false
}

variable "cluster" {
  description = "Cluster that runs the service, and the namespace of its Service Connect names."
  type        = object({ name = string, arn = string, service_connect_namespace_arn = string })
  nullable    = false
}

variable "size" {
  description = "CPU (1024 a core) and memory of one task, how many tasks at least and at most, and whether on Spot capacity."
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
  description = "What to run; see the module task."
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
  description = "Repository that the image comes from."
  type        = string
  nullable    = false
}

variable "called_port" {
  description = "Port that other services call, by its name in container. Null: nobody calls this service by name."
  type        = string
  default     = null
}

variable "callees" {
  description = "ARNs of the services that this one calls: Service Connect tells a task only of those that were there before it."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "dns_namespace" {
  description = "Namespace in which the tasks get a DNS name too. Null: none."
  type        = object({ id = string })
  default     = null
}

variable "target_group_arns" {
  description = "Target groups of the load balancer by the name of the port that they send to."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "request_scaling" {
  description = "Requests that one task shall get in a minute, and the label of load balancer and target group. Null: scale on CPU alone."
  type        = object({ per_task_and_minute = number, resource_label = string })
  default     = null
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

variable "bucket_access" {
  description = "The one prefix of a bucket that the service may use; see the module task."
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
