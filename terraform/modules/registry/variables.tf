variable "repositories" {
  description = "Names of the images."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.repositories) > 0 && alltrue([for name in var.repositories : can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", name))])
    error_message = "repositories must be image names in lower case, such as verger-web."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the images."
  type        = string
  nullable    = false
}

variable "images_kept" {
  description = "Number of tagged images per repository. Older ones expire, so keep more than you may need for a rollback."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = var.images_kept >= 5 && var.images_kept <= 1000
    error_message = "images_kept must be between 5 and 1000: with fewer, the image that runs in production may expire."
  }
}

variable "force_delete" {
  description = "Whether destroying deletes repositories that contain images."
  type        = bool
  default     = false
  nullable    = false
}
