# Task definitions, run on request or by a schedule: the trainer, the registrar for short commands (import-release,
# promote, rollback), and the end of a tunnel to MLflow.

locals {
  dataset_folder = "/data"

  tasks = merge({ trainer = module.trainer, registrar = module.registrar }, { for task in module.tunnel : "tunnel" => task })
}

module "trainer" {
  source = "../task"

  name                  = "trainer"
  environment_name      = var.environment_name
  cpu                   = var.size.cpu
  memory_mib            = var.size.memory_mib
  ephemeral_storage_gib = var.size.storage_gib
  repository_arns       = [var.images.trainer.repository_arn, var.images.mlflow.repository_arn]
  bucket_access         = { bucket_arn = var.bucket.arn, prefix = var.bucket.prefix, writes = false }
  kms_key_arn           = var.kms_key_arn
  log_retention_days    = var.log_retention_days

  containers = {
    # The trainer can't read from S3. A container with the image of MLflow, which can, downloads the data set first.
    data = {
      image       = var.images.mlflow.uri
      command     = ["artifacts", "download", "--artifact-uri", "s3://${var.bucket.name}/${var.bucket.prefix}/${var.dataset}", "--dst-path", local.dataset_folder]
      essential   = false
      environment = { MLFLOW_DISABLE_TELEMETRY = "true" }
      volumes = {
        data         = { path = local.dataset_folder }
        data-scratch = { path = "/tmp" }
      }
    }
    trainer = merge(var.containers.trainer, {
      image   = var.images.trainer.uri
      command = concat(["train", "--data", "${local.dataset_folder}/${var.dataset}"], var.options)
      after   = { data = "SUCCESS" }
      volumes = merge(var.containers.trainer.volumes, { data = { path = local.dataset_folder, read_only = true } })
    })
  }
}

module "registrar" {
  source = "../task"

  name               = "registrar"
  environment_name   = var.environment_name
  cpu                = 512
  memory_mib         = 1024
  repository_arns    = [var.images.registrar.repository_arn]
  kms_key_arn        = var.kms_key_arn
  log_retention_days = var.log_retention_days

  containers = {
    registrar = merge(var.containers.registrar, { image = var.images.registrar.uri, command = ["import-release"] })
  }
}

# It does nothing but wait: Session Manager forwards connections from here to MLflow. It ends by itself after a day.
module "tunnel" {
  source = "../task"
  count  = var.tunnel ? 1 : 0

  name               = "tunnel"
  environment_name   = var.environment_name
  cpu                = 256
  memory_mib         = 512
  repository_arns    = [var.images.registrar.repository_arn]
  sessions           = true
  kms_key_arn        = var.kms_key_arn
  log_retention_days = var.log_retention_days

  containers = {
    tunnel = {
      image                = var.images.registrar.uri
      entry_point          = ["sleep"]
      command              = ["86400"]
      stop_timeout_seconds = 2
      read_only_root       = false
    }
  }
}
