variable "name" {
  description = "Name of the bucket, which must be globally unique."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the objects. Null: the keys of S3, which are the only ones for logs of load balancers and S3."
  type        = string
  default     = null
}

variable "log_writers" {
  description = "AWS services that may write logs under a prefix. account_known: the service says for which account it writes."
  type        = map(object({ service = string, prefix = string, account_known = bool }))
  default     = {}
  nullable    = false
}

variable "access_log" {
  description = "Bucket for the access log. Null: no access log."
  type        = object({ bucket = string })
  default     = null
}

variable "expiration_days" {
  description = "Number of days after which objects are deleted. Null: never."
  type        = number
  default     = null

  validation {
    condition     = var.expiration_days == null ? true : var.expiration_days >= 1
    error_message = "expiration_days must be at least 1, or null to keep objects forever."
  }
}

variable "noncurrent_days" {
  description = "Number of days for which a deleted or overwritten object can be restored."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "noncurrent_days must be at least 1."
  }
}

variable "force_destroy" {
  description = "Whether destroying deletes a bucket that is not empty."
  type        = bool
  default     = false
  nullable    = false
}
