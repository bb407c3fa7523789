# What must be there before any environment: a bucket for Terraform's states, and the registry of images, which all
# environments of this account share, so that prod runs the very bytes that dev has tried.

data "aws_caller_identity" "current" {}

module "encryption" {
  source = "../modules/encryption"

  name = "verger-shared"
}

module "state" {
  source = "../modules/storage"

  name        = "verger-terraform-${data.aws_caller_identity.current.account_id}-${var.region}"
  kms_key_arn = module.encryption.key_arn
}

module "registry" {
  source = "../modules/registry"

  repositories = [for image in values(yamldecode(file("${path.module}/../modules/stack/containers.yaml"))) : image.image]
  kms_key_arn  = module.encryption.key_arn
}
