# An ECS service: its name in Service Connect, updates without interruption, and autoscaling.

module "task" {
  source = "../task"

  name               = var.name
  environment_name   = var.environment_name
  cpu                = var.size.cpu
  memory_mib         = var.size.memory_mib
  containers         = { (var.name) = var.container }
  repository_arns    = [var.repository_arn]
  bucket_access      = var.bucket_access
  kms_key_arn        = var.kms_key_arn
  log_retention_days = var.log_retention_days
}

resource "aws_ecs_service" "this" {
  name            = var.name
  cluster         = var.cluster.arn
  task_definition = module.task.definition_arn
  desired_count   = var.size.min_tasks
  propagate_tags  = "SERVICE"

  enable_ecs_managed_tags       = true
  availability_zone_rebalancing = "ENABLED"

  capacity_provider_strategy {
    capacity_provider = var.size.spot ? "FARGATE_SPOT" : "FARGATE"
    weight            = 1
  }

  # A new task must be healthy before an old one is stopped. If new tasks never become healthy, the old ones stay.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = length(var.target_group_arns) > 0 ? 60 : null

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [var.security_group_id]
    assign_public_ip = false
  }

  service_connect_configuration {
    enabled   = true
    namespace = var.cluster.service_connect_namespace_arn

    # Name by which other services call this one. Without this block, the service can only call others.
    dynamic "service" {
      for_each = var.called_port[*]

      content {
        port_name      = service.value
        discovery_name = var.name

        client_alias {
          dns_name = var.name
          port     = var.container.ports[service.value].number
        }

        # Callers set their own deadlines. The deadline of the proxy (15 s by default) would interrupt uploads to
        # MLflow.
        timeout {
          idle_timeout_seconds        = 3600
          per_request_timeout_seconds = 0
        }
      }
    }
  }

  dynamic "service_registries" {
    for_each = aws_service_discovery_service.this

    content {
      registry_arn = service_registries.value.arn
    }
  }

  dynamic "load_balancer" {
    for_each = var.target_group_arns

    content {
      target_group_arn = load_balancer.value
      container_name   = var.name
      container_port   = var.container.ports[load_balancer.key].number
    }
  }

  lifecycle {
    ignore_changes = [desired_count] # autoscaling changes it
  }

  depends_on = [var.callees]
}

# Private DNS name for callers that are not services.
resource "aws_service_discovery_service" "this" {
  count = var.dns_namespace == null ? 0 : 1

  name        = var.name
  description = "Addresses of the tasks of ${var.environment_name}-${var.name}"

  dns_config {
    namespace_id   = var.dns_namespace.id
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = 10
    }
  }
}
