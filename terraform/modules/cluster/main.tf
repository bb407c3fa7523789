# ECS cluster, and the namespaces in which tasks find each other.

resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enhanced" # includes the health of containers, which the alarms need
  }

  service_connect_defaults {
    namespace = aws_service_discovery_http_namespace.this.arn
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}

# Service Connect, for calls between services. It balances each call, including gRPC calls.
resource "aws_service_discovery_http_namespace" "this" {
  name        = var.name
  description = "Names between the services of ${var.name}"
}

# Private DNS, for tasks that are not services, such as the trainer. They can't use Service Connect.
resource "aws_service_discovery_private_dns_namespace" "this" {
  name        = "${var.name}.internal"
  description = "Names for the one-off tasks of ${var.name}"
  vpc         = var.vpc_id
}
