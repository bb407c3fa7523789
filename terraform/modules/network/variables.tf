variable "name" {
  description = "Name of the environment, the prefix of all names."
  type        = string
  nullable    = false
}

variable "cidr_block" {
  description = "Private IPv4 range of the VPC, /16 to /20."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr_block, 0)) && can(regex("^(10\\.|172\\.(1[6-9]|2\\d|3[01])\\.|192\\.168\\.).*/(1[6-9]|20)$", var.cidr_block))
    error_message = "cidr_block must be a private IPv4 range between /16 and /20, such as 10.20.0.0/16."
  }

  validation {
    condition     = try(cidrhost(var.cidr_block, 0) == split("/", var.cidr_block)[0], false)
    error_message = "cidr_block must start at the first address of its range: 10.20.0.0/16, not 10.20.0.1/16."
  }

  # Two ranges overlap if they are equal in the bits of the shorter prefix.
  validation {
    condition = alltrue([
      for taken in var.taken_cidr_blocks : try(
        cidrhost("${split("/", var.cidr_block)[0]}/${min(split("/", var.cidr_block)[1], split("/", taken)[1])}", 0) !=
        cidrhost("${split("/", taken)[0]}/${min(split("/", var.cidr_block)[1], split("/", taken)[1])}", 0),
        true
      )
    ])
    error_message = "cidr_block overlaps one of taken_cidr_blocks (${join(", ", var.taken_cidr_blocks)}). Choose a free range. Otherwise the networks can never be connected."
  }
}

variable "taken_cidr_blocks" {
  description = "IPv4 ranges of networks that may be connected to this one later, such as the office and other environments."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for taken in var.taken_cidr_blocks : can(cidrhost(taken, 0))])
    error_message = "taken_cidr_blocks must be IPv4 ranges such as 10.0.0.0/16."
  }
}

variable "zone_count" {
  description = "Number of availability zones."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = contains([2, 3], var.zone_count)
    error_message = "zone_count must be 2 or 3: a load balancer needs two zones, and more than three only increase costs."
  }
}

variable "endpoint_zone_count" {
  description = "Number of zones with interface endpoints. AWS bills each endpoint in each zone by the hour."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.endpoint_zone_count >= 1 && var.endpoint_zone_count <= var.zone_count
    error_message = "endpoint_zone_count must be between 1 and zone_count (${var.zone_count})."
  }
}

variable "ports" {
  description = "Ports of the services and the database."
  type = object({
    web        = number
    preprocess = number
    inference  = number
    mlflow     = number
    database   = number
  })
  nullable = false
}

variable "grpc_published" {
  description = "Whether the load balancer forwards gRPC of external clients to the preprocess service."
  type        = bool
  default     = false
  nullable    = false
}

variable "client_cidr_blocks" {
  description = "IPv4 ranges of allowed clients."
  type        = list(string)
  default     = ["0.0.0.0/0"]
  nullable    = false

  validation {
    condition     = length(var.client_cidr_blocks) > 0 && alltrue([for block in var.client_cidr_blocks : can(cidrhost(block, 0))])
    error_message = "client_cidr_blocks must name at least one IPv4 range, such as 203.0.113.0/24. 0.0.0.0/0 allows all clients."
  }
}

variable "sessions" {
  description = "Whether tasks can reach Session Manager, for tunnels."
  type        = bool
  default     = false
  nullable    = false
}

variable "log_retention_days" {
  description = "Retention of flow logs, in days."
  type        = number
  nullable    = false
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the flow logs."
  type        = string
  nullable    = false
}
