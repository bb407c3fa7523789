variable "name" {
  description = "Name of the environment, the prefix of all names: verger-dev, verger-prod."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "name must have 2 to 20 lower-case letters, digits and hyphens, and start with a letter. It is the prefix of names with a limited length."
  }
}

variable "image_tag" {
  description = "Release to run: the tag of its images from scripts/push-images.sh."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag))
    error_message = "image_tag must be the tag of a release, such as 1.4.0 or a commit: letters, digits, dots, hyphens, underscores."
  }

  validation {
    condition     = var.image_tag != "latest"
    error_message = "image_tag must not be \"latest\", because it names no release and allows no rollback. Use the tag of a release."
  }
}

variable "settings" {
  description = "Additional settings of services and trainer by name: { VERGER_MODEL_NAME = \"flowers\" }."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.settings) : startswith(name, "VERGER_")])
    error_message = "settings must be variables of Verger, whose names start with VERGER_."
  }

  validation {
    condition     = !anytrue([for image in values(local.images) : anytrue([for name in keys(var.settings) : contains(keys(image.environment), name)])])
    error_message = "settings must not replace variables of containers.yaml, because addresses and drain time must match ports and timeouts."
  }
}

variable "protected" {
  description = "Whether load balancer, database and non-empty buckets are protected against deletion."
  type        = bool
  nullable    = false
}

variable "cidr_block" {
  description = "Private IPv4 range of the VPC, /16 to /20."
  type        = string
  nullable    = false
}

variable "taken_cidr_blocks" {
  description = "IPv4 ranges of networks that may be connected to this one later, such as the office and other environments."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "zone_count" {
  description = "Number of availability zones, 2 or 3."
  type        = number
  nullable    = false
}

variable "endpoint_zone_count" {
  description = "Number of zones with endpoints of AWS services. If it is 1, new tasks can't start while that zone fails."
  type        = number
  nullable    = false
}

variable "client_cidr_blocks" {
  description = "IPv4 ranges of allowed clients."
  type        = list(string)
  default     = ["0.0.0.0/0"]
  nullable    = false
}

variable "domain_name" {
  description = "Host name of the page; gRPC uses grpc.DOMAIN. Null: the DNS name of the load balancer."
  type        = string
  default     = null
}

variable "certificate_arn" {
  description = "ARN of a certificate in ACM for domain_name and grpc.DOMAIN. Null: plain HTTP and no gRPC."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn != null || !var.protected
    error_message = "A protected environment needs HTTPS: request a certificate for domain_name and grpc.DOMAIN in ACM, and set certificate_arn to its ARN (see terraform/README.md)."
  }
}

variable "zone_id" {
  description = "ID of the Route 53 zone for records of domain_name and grpc.DOMAIN. Null: create the records yourself."
  type        = string
  default     = null
}

variable "service_sizes" {
  description = "CPU units (1024 per core), memory and number of tasks of each service; see the module service."
  type = object({
    web        = object({ cpu = number, memory_mib = number, min_tasks = number, max_tasks = number, spot = optional(bool, false) })
    preprocess = object({ cpu = number, memory_mib = number, min_tasks = number, max_tasks = number, spot = optional(bool, false) })
    inference  = object({ cpu = number, memory_mib = number, min_tasks = number, max_tasks = number, spot = optional(bool, false) })
    mlflow     = object({ cpu = number, memory_mib = number, min_tasks = number, max_tasks = number, spot = optional(bool, false) })
  })
  nullable = false
}

variable "requests_per_web_task" {
  description = "Requests per minute and web task above which another task is added."
  type        = number
  default     = 1200
  nullable    = false
}

variable "mlflow_tunnel" {
  description = "Whether users of the account who may run tasks and open sessions can reach MLflow through a tunnel (scripts/tunnel.sh)."
  type        = bool
  default     = false
  nullable    = false
}

variable "database_size" {
  description = "Instance class, disk, standby and backups of the database; see the module database."
  type        = object({ instance_class = string, storage_gib = number, multi_zone = bool, backup_retention_days = number })
  nullable    = false
}

variable "database_password_generation" {
  description = "Number of the database password. Raise it by one to generate a new password."
  type        = number
  default     = 1
  nullable    = false
}

variable "trainer_size" {
  description = "CPU units (1024 per core), memory and disk of a training, and whether to use Spot capacity."
  type        = object({ cpu = number, memory_mib = number, storage_gib = optional(number), spot = optional(bool, false) })
  nullable    = false
}

variable "training" {
  description = "Data set (a folder under datasets/ in the bucket), additional options of `trainer train`, and a schedule in UTC (null: no schedule)."
  type        = object({ dataset = optional(string, "fruits"), options = optional(list(string), []), schedule = optional(string) })
  default     = {}
  nullable    = false
}

variable "alarm_email" {
  description = "E-mail address for alerts about faults and costs."
  type        = string
  nullable    = false
}

variable "monthly_budget_usd" {
  description = "Monthly costs of the account in USD above which an alert is sent."
  type        = number
  nullable    = false
}

variable "log_retention_days" {
  description = "Retention of logs, in days."
  type        = number
  nullable    = false

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365, 400, 731], var.log_retention_days)
    error_message = "log_retention_days must be a retention period of CloudWatch: 7, 14, 30, 60, 90, 180, 365, 400 or 731."
  }
}
