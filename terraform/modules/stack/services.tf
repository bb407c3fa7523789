# The four services, each after those that it calls: a task sees only services that existed in Service Connect before
# it.

locals {
  cluster = {
    name                          = module.cluster.name
    arn                           = module.cluster.arn
    service_connect_namespace_arn = module.cluster.service_connect_namespace_arn
  }
}

module "mlflow" {
  source = "../service"

  name               = "mlflow"
  environment_name   = var.name
  cluster            = local.cluster
  size               = var.service_sizes.mlflow
  container          = local.containers.mlflow
  repository_arn     = data.aws_ecr_repository.this["mlflow"].arn
  called_port        = "http"
  dns_namespace      = module.cluster.dns_namespace # for the trainer, which can't use Service Connect
  subnet_ids         = module.network.private_subnet_ids
  security_group_id  = module.network.security_group_ids["mlflow"]
  bucket_access      = { bucket_arn = module.data.arn, prefix = local.artifacts_prefix, writes = true }
  kms_key_arn        = module.encryption.key_arn
  log_retention_days = var.log_retention_days
}

module "inference" {
  source = "../service"

  name               = "inference"
  environment_name   = var.name
  cluster            = local.cluster
  size               = var.service_sizes.inference
  container          = local.containers.inference
  repository_arn     = data.aws_ecr_repository.this["inference"].arn
  called_port        = "grpc"
  callees            = [module.mlflow.arn]
  subnet_ids         = module.network.private_subnet_ids
  security_group_id  = module.network.security_group_ids["inference"]
  kms_key_arn        = module.encryption.key_arn
  log_retention_days = var.log_retention_days
}

module "preprocess" {
  source = "../service"

  name               = "preprocess"
  environment_name   = var.name
  cluster            = local.cluster
  size               = var.service_sizes.preprocess
  container          = local.containers.preprocess
  repository_arn     = data.aws_ecr_repository.this["preprocess"].arn
  called_port        = "grpc"
  callees            = [module.inference.arn]
  target_group_arns  = { for port, arn in module.edge.target_group_arns : port => arn if port == "grpc" }
  subnet_ids         = module.network.private_subnet_ids
  security_group_id  = module.network.security_group_ids["preprocess"]
  kms_key_arn        = module.encryption.key_arn
  log_retention_days = var.log_retention_days
}

module "web" {
  source = "../service"

  name               = "web"
  environment_name   = var.name
  cluster            = local.cluster
  size               = var.service_sizes.web
  container          = local.containers.web
  repository_arn     = data.aws_ecr_repository.this["web"].arn
  callees            = [module.preprocess.arn]
  target_group_arns  = { http = module.edge.target_group_arns.web }
  subnet_ids         = module.network.private_subnet_ids
  security_group_id  = module.network.security_group_ids["web"]
  kms_key_arn        = module.encryption.key_arn
  log_retention_days = var.log_retention_days

  request_scaling = {
    per_task_and_minute = var.requests_per_web_task
    resource_label      = "${module.edge.metric_names.load_balancer}/${module.edge.metric_names.web}"
  }
}

module "trainer" {
  source = "../trainer"

  environment_name   = var.name
  size               = var.trainer_size
  dataset            = var.training.dataset
  options            = var.training.options
  schedule           = var.training.schedule
  tunnel             = var.mlflow_tunnel
  bucket             = { name = module.data.name, arn = module.data.arn, prefix = local.datasets_prefix }
  cluster_arn        = module.cluster.arn
  subnet_ids         = module.network.private_subnet_ids
  security_group_id  = module.network.security_group_ids["trainer"]
  kms_key_arn        = module.encryption.key_arn
  log_retention_days = var.log_retention_days

  images = {
    for name in ["trainer", "registrar", "mlflow"] : name => {
      uri            = data.aws_ecr_image.this[name].image_uri
      repository_arn = data.aws_ecr_repository.this[name].arn
    }
  }

  containers = {
    for name in ["trainer", "registrar"] : name => merge(local.images[name], {
      environment = merge({ for key, value in local.trainer_pages : key => value if name == "trainer" }, var.settings, {
        VERGER_MLFLOW_URL      = "http://${local.mlflow_host}"
        VERGER_TRAIN_COMMAND   = local.train_command
        VERGER_TRAINER_COMMAND = local.trainer_command
      })
    })
  }
}
