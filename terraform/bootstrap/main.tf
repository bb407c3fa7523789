# Resources that must exist before any environment: the bucket for Terraform's states, and the image registry. All
# environments of the account share the registry, so that prod runs the same images that were tested in dev.

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
