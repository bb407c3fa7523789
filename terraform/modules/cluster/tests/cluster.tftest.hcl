mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name   = "verger-test"
  vpc_id = "vpc-1"
}

run "has_insights_and_both_kinds_of_capacity" {
  command = plan

  assert {
    condition     = one(aws_ecs_cluster.this.setting) == { name = "containerInsights", value = "enhanced" }
    error_message = "The alarms read metrics that only enhanced Container Insights has."
  }

  assert {
    condition     = toset(aws_ecs_cluster_capacity_providers.this.capacity_providers) == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "Tasks must be able to run on demand and on Spot."
  }

  assert {
    condition     = aws_service_discovery_private_dns_namespace.this.name == "verger-test.internal" && aws_service_discovery_http_namespace.this.name == "verger-test"
    error_message = "There must be a Service Connect and a DNS namespace."
  }
}
