# A complete Verger system. The environments call this module and differ only in the sizes that they pass.

locals {
  account_id = data.aws_caller_identity.current.account_id

  # External gRPC needs TLS, and TLS needs a certificate.
  grpc_published = var.certificate_arn != null

  ports = {
    web        = local.images.web.ports.http
    preprocess = local.images.preprocess.ports.grpc
    inference  = local.images.inference.ports.grpc
    mlflow     = local.images.mlflow.ports.http
    database   = 5432
  }
}

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

module "encryption" {
  source = "../encryption"

  name           = var.name
  used_by_alerts = true

  log_group_prefixes = ["/${var.name}/", "/aws/rds/instance/${var.name}/"]
}

module "network" {
  source = "../network"

  name                = var.name
  cidr_block          = var.cidr_block
  taken_cidr_blocks   = var.taken_cidr_blocks
  zone_count          = var.zone_count
  endpoint_zone_count = var.endpoint_zone_count
  ports               = local.ports
  grpc_published      = local.grpc_published
  client_cidr_blocks  = var.client_cidr_blocks
  sessions            = var.mlflow_tunnel
  log_retention_days  = var.log_retention_days
  kms_key_arn         = module.encryption.key_arn
}

# Bucket names are globally unique, so they contain the number of the account.
module "logs" {
  source = "../storage"

  name            = "${var.name}-logs-${local.account_id}"
  expiration_days = 90
  force_destroy   = !var.protected

  log_writers = {
    LoadBalancer = {
      service       = "logdelivery.elasticloadbalancing.amazonaws.com"
      prefix        = "load-balancer/AWSLogs/${local.account_id}/"
      account_known = false
    }
    Bucket = {
      service       = "logging.s3.amazonaws.com"
      prefix        = "s3/${var.name}-data-${local.account_id}/"
      account_known = true
    }
  }
}

module "data" {
  source = "../storage"

  name          = "${var.name}-data-${local.account_id}"
  kms_key_arn   = module.encryption.key_arn
  access_log    = { bucket = module.logs.name }
  force_destroy = !var.protected
}

module "database" {
  source = "../database"

  name                  = var.name
  instance_class        = var.database_size.instance_class
  storage_gib           = var.database_size.storage_gib
  multi_zone            = var.database_size.multi_zone
  backup_retention_days = var.database_size.backup_retention_days
  protected             = var.protected
  password_generation   = var.database_password_generation
  port                  = local.ports.database
  subnet_ids            = module.network.private_subnet_ids
  security_group_id     = module.network.security_group_ids["database"]
  kms_key_arn           = module.encryption.key_arn
  log_retention_days    = var.log_retention_days
}

module "cluster" {
  source = "../cluster"

  name   = var.name
  vpc_id = module.network.vpc_id
}

module "edge" {
  source = "../edge"

  name              = var.name
  vpc_id            = module.network.vpc_id
  subnet_ids        = module.network.public_subnet_ids
  security_group_id = module.network.security_group_ids["load-balancer"]
  ports             = { web = local.ports.web, preprocess = local.ports.preprocess }
  domain_name       = var.domain_name
  certificate_arn   = var.certificate_arn
  zone_id           = var.zone_id
  log_bucket        = module.logs.name
  protected         = var.protected
}

module "observability" {
  source = "../observability"

  name                     = var.name
  alarm_email              = var.alarm_email
  monthly_budget_usd       = var.monthly_budget_usd
  cluster_name             = module.cluster.name
  cluster_arn              = module.cluster.arn
  services                 = [module.web.name, module.preprocess.name, module.inference.name, module.mlflow.name]
  metric_names             = module.edge.metric_names
  inference_log_group_name = module.inference.log_group_name
  trainer_family           = module.trainer.families.trainer
  trainer_log_group_name   = module.trainer.log_group_names.trainer
  database_identifier      = module.database.identifier
  kms_key_arn              = module.encryption.key_arn
}
