variable "region" {
  description = "AWS region of the states, the images and the environments."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[1-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-west-3 (Paris) or us-east-1. A zone (eu-west-3a) or a city is not a region."
  }
}
