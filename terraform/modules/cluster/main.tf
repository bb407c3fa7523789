# Where tasks run, and the names by which they find each other.

resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enhanced" # tells the health of containers, which the alarms need
  }

  service_connect_defaults {
    namespace = aws_service_discovery_http_namespace.this.arn
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}

# Between services: Service Connect balances every single call, gRPC included.
resource "aws_service_discovery_http_namespace" "this" {
  name        = var.name
  description = "Names between the services of ${var.name}"
}

# For tasks that are no service, such as the trainer: Service Connect has no names for those, DNS has.
resource "aws_service_discovery_private_dns_namespace" "this" {
  name        = "${var.name}.internal"
  description = "Names for the one-off tasks of ${var.name}"
  vpc         = var.vpc_id
}
