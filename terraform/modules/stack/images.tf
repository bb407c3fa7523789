# Images of one release by digest, with the settings of containers.yaml.

locals {
  # Contents of the file, with defaults for missing keys.
  images = {
    for name, image in yamldecode(file("${path.module}/containers.yaml")) : name => {
      image                = image.image
      ports                = try(image.ports, {})
      environment          = try(image.environment, {})
      health_check         = try(image.health_check, null)
      stop_timeout_seconds = image.stop_timeout_seconds
      volumes              = { for path in image.writable : trim(replace(path, "/", "-"), "-") => { path = path } }
    }
  }

  # ECS replaces a task that fails its health check. Replacing web tasks would not repair an outage of another service,
  # so web has a liveness check. The other services stay ready even if the services that they call fail.
  alive_checks = {
    web = [for word in local.images.web.health_check : replace(word, "/readyz", "/healthz")]
  }

  # At the first start, preprocess waits for inference, and inference for MLflow. Neither waits for a version of the model.
  start_seconds = { web = 60, preprocess = 300, inference = 300, mlflow = 180 }

  containers = {
    for name, seconds in local.start_seconds : name => merge(local.images[name], {
      image       = data.aws_ecr_image.this[name].image_uri
      environment = merge(local.images[name].environment, lookup(local.own_environment, name, var.settings))
      secrets     = lookup(local.secrets, name, {})
      ports = {
        for port, number in local.images[name].ports :
        port => { number = number, protocol = contains(["grpc", "http"], port) ? port : null }
      }
      health_check = {
        command              = lookup(local.alive_checks, name, local.images[name].health_check)
        start_period_seconds = seconds
      }
    })
  }

  trainer_command = "scripts/trainer.sh ${trimprefix(var.name, "verger-")}" # for messages, as the next one
  train_command   = "${local.trainer_command} train"

  mlflow_host = "mlflow.${module.cluster.dns_namespace.name}:${local.ports.mlflow}"

  # Values of the variables in environment_per_deployment of containers.yaml.
  own_environment = {
    web       = merge({ VERGER_MAX_CONNECTIONS_PER_ADDRESS = "1000" }, var.settings) # all come from the load balancer
    inference = merge({ VERGER_TRAIN_COMMAND = local.train_command }, var.settings)
    mlflow = {
      MLFLOW_BACKEND_STORE_URI     = module.database.uri
      MLFLOW_ARTIFACTS_DESTINATION = "s3://${module.data.name}/${local.artifacts_prefix}"
      # MLflow answers 403 to all other hosts. These are its names in Service Connect and DNS, and localhost for a
      # tunnel.
      MLFLOW_SERVER_ALLOWED_HOSTS = join(",", ["mlflow:${local.ports.mlflow}", local.mlflow_host, "localhost:${local.ports.mlflow}", "127.0.0.1:${local.ports.mlflow}"])
    }
  }

  # Where a training's last lines link to. People reach MLflow through a tunnel.
  trainer_pages = {
    VERGER_MLFLOW_PAGE_URL = "http://localhost:${local.ports.mlflow}"
    VERGER_PAGE_URL        = module.edge.url
  }

  secrets = {
    mlflow = { PGPASSWORD = module.database.password_reference }
  }

  artifacts_prefix = "artifacts"
  datasets_prefix  = "datasets"
}

# If an image is missing in the registry, the plan fails here, before any change.
data "aws_ecr_image" "this" {
  for_each = local.images

  repository_name = each.value.image
  image_tag       = var.image_tag
}

data "aws_ecr_repository" "this" {
  for_each = local.images

  name = each.value.image
}
