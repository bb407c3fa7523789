variable "name" {
  description = "Name of the environment, in front of all names: verger-dev, verger-prod."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "name must have 2 to 20 lower-case letters, digits and hyphens, a letter first: it stands in front of names that may not be long."
  }
}

variable "image_tag" {
  description = "Release to run: the tag that scripts/push-images.sh gave its images."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag))
    error_message = "image_tag must be the tag of a release, such as 1.4.0 or a commit: letters, digits, dots, hyphens, underscores."
  }

  validation {
    condition     = var.image_tag != "latest"
    error_message = "image_tag must not be \"latest\": nobody could say what runs, or go back to what ran. Take the tag of a release."
  }
}

variable "settings" {
  description = "Further settings of services and trainer, by their documented names: { VERGER_MODEL_NAME = \"flowers\" }."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.settings) : startswith(name, "VERGER_")])
    error_message = "settings must be Verger's own variables, whose names start with VERGER_."
  }

  validation {
    condition     = !anytrue([for image in values(local.images) : anytrue([for name in keys(var.settings) : contains(keys(image.environment), name)])])
    error_message = "settings must not replace what containers.yaml sets: addresses and the drain belong together with ports and timeouts."
  }
}

variable "protected" {
  description = "Whether losing data takes more than one command: the deletion of load balancer, database and full buckets is refused."
  type        = bool
  nullable    = false
}

variable "cidr_block" {
  description = "Private IPv4 range of the VPC, /16 to /20."
  type        = string
  nullable    = false
}

variable "taken_cidr_blocks" {
  description = "IPv4 ranges of networks that this one may be connected to one day: the office, the other environments."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "zone_count" {
  description = "Availability zones to spread over, 2 or 3."
  type        = number
  nullable    = false
}

variable "endpoint_zone_count" {
  description = "Zones in which the ways to AWS services have an address; with one, its loss stops new tasks from starting."
  type        = number
  nullable    = false
}

variable "client_cidr_blocks" {
  description = "IPv4 ranges of the clients that the load balancer accepts."
  type        = list(string)
  default     = ["0.0.0.0/0"]
  nullable    = false
}

variable "domain_name" {
  description = "Host name of the page; gRPC answers on grpc.DOMAIN. Null: the load balancer's own name."
  type        = string
  default     = null
}

variable "certificate_arn" {
  description = "Certificate in ACM for domain_name and grpc.DOMAIN. Null: plain HTTP, no gRPC."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn != null || !var.protected
    error_message = "An environment worth protecting needs HTTPS: request a certificate for domain_name and grpc.DOMAIN in ACM, and give its ARN as certificate_arn (terraform/README.md says how)."
  }
}

variable "zone_id" {
  description = "Route 53 zone that gets records for domain_name and grpc.DOMAIN. Null: make them yourself."
  type        = string
  default     = null
}

variable "service_sizes" {
  description = "CPU (1024 a core), memory and number of tasks of each service; see the module service."
  type = object({
    web        = object({ cpu = number, memory_mib = number, min_tasks = number, max_tasks = number, spot = optional(bool, false) })
    preprocess = object({ cpu = number, memory_mib = number, min_tasks = number, max_tasks = number, spot = optional(bool, false) })
    inference  = object({ cpu = number, memory_mib = number, min_tasks = number, max_tasks = number, spot = optional(bool, false) })
    mlflow     = object({ cpu = number, memory_mib = number, min_tasks = number, max_tasks = number, spot = optional(bool, false) })
  })
  nullable = false
}

variable "requests_per_web_task" {
  description = "Requests that one web task shall get in a minute before another one is added."
  type        = number
  default     = 1200
  nullable    = false
}

variable "database_size" {
  description = "Instance, disk, standby and backups of MLflow's database; see the module database."
  type        = object({ instance_class = string, storage_gib = number, multi_zone = bool, backup_retention_days = number })
  nullable    = false
}

variable "database_password_generation" {
  description = "Raise it by one to get a new password for MLflow's database."
  type        = number
  default     = 1
  nullable    = false
}

variable "trainer_size" {
  description = "CPU (1024 a core), memory and disk of a training, and whether on Spot capacity."
  type        = object({ cpu = number, memory_mib = number, storage_gib = optional(number), spot = optional(bool, false) })
  nullable    = false
}

variable "training" {
  description = "Data set (a folder under datasets/ in the bucket), further options of `trainer train`, and a schedule in UTC (null: only when asked)."
  type        = object({ dataset = optional(string, "fruits"), options = optional(list(string), []), schedule = optional(string) })
  default     = {}
  nullable    = false
}

variable "alarm_email" {
  description = "Who is told when something is wrong or dear."
  type        = string
  nullable    = false
}

variable "monthly_budget_usd" {
  description = "What the account may cost in a month before somebody is told."
  type        = number
  nullable    = false
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  nullable    = false

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365, 400, 731], var.log_retention_days)
    error_message = "log_retention_days must be one of CloudWatch's periods: 7, 14, 30, 60, 90, 180, 365, 400 or 731."
  }
}
