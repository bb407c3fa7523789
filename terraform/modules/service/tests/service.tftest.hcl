mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name               = "inference"
  environment_name   = "verger-test"
  cluster            = { name = "verger-test", arn = "arn:aws:ecs:eu-west-3:000000000000:cluster/verger-test", service_connect_namespace_arn = "arn:aws:servicediscovery:eu-west-3:000000000000:namespace/ns" }
  size               = { cpu = 1024, memory_mib = 2048, min_tasks = 2, max_tasks = 6 }
  repository_arn     = "arn:aws:ecr:eu-west-3:000000000000:repository/verger-inference"
  called_port        = "grpc"
  subnet_ids         = ["subnet-a", "subnet-b"]
  security_group_id  = "sg-inference"
  kms_key_arn        = "arn:aws:kms:eu-west-3:000000000000:key/mock"
  log_retention_days = 14

  container = {
    image                = "registry.example/verger-inference:1.0.0"
    ports                = { grpc = { number = 50052, protocol = "grpc" }, metrics = { number = 9102 } }
    environment          = { VERGER_DRAIN_SECONDS = "15" }
    health_check         = { command = ["python", "-m", "health"] }
    stop_timeout_seconds = 30
    volumes              = {}
  }
}

run "updates_without_interruption" {
  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 100 && aws_ecs_service.this.deployment_maximum_percent == 200
    error_message = "New tasks must run before old ones stop."
  }

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "A release whose tasks never become healthy must be rolled back."
  }

  assert {
    condition     = !aws_ecs_service.this.network_configuration[0].assign_public_ip
    error_message = "Tasks must have no public address."
  }
}

run "has_a_name_and_balances_each_call" {
  assert {
    condition = (
      one(aws_ecs_service.this.service_connect_configuration[0].service).port_name == "grpc" &&
      one(one(aws_ecs_service.this.service_connect_configuration[0].service).client_alias).dns_name == "inference" &&
      one(one(aws_ecs_service.this.service_connect_configuration[0].service).client_alias).port == 50052
    )
    error_message = "Its address must be inference:50052."
  }

  assert {
    condition     = one(one(aws_ecs_service.this.service_connect_configuration[0].service).timeout).per_request_timeout_seconds == 0
    error_message = "The proxy must not cut off calls that have a deadline of their own."
  }

  assert {
    condition     = one([for port in output.container_definitions[0].portMappings : port.appProtocol if port.name == "grpc"]) == "grpc"
    error_message = "Without the protocol, the proxy balances connections instead of calls."
  }
}

run "scales_on_cpu" {
  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 2 && aws_appautoscaling_target.this.max_capacity == 6
    error_message = "It must scale between the minimum and maximum number of tasks."
  }

  assert {
    condition     = length(aws_appautoscaling_policy.cpu) == 1 && length(aws_appautoscaling_policy.requests) == 0
    error_message = "Without a load balancer there are no requests to count."
  }

  assert {
    condition     = aws_appautoscaling_policy.cpu[0].target_tracking_scaling_policy_configuration[0].scale_in_cooldown > aws_appautoscaling_policy.cpu[0].target_tracking_scaling_policy_configuration[0].scale_out_cooldown
    error_message = "Scaling out must be faster than scaling in."
  }

  assert {
    condition     = one(aws_ecs_service.this.capacity_provider_strategy).capacity_provider == "FARGATE"
    error_message = "Spot must be off by default."
  }
}

run "behind_the_load_balancer" {
  variables {
    target_group_arns = { grpc = "arn:aws:elasticloadbalancing:eu-west-3:000000000000:targetgroup/x/1" }
    request_scaling   = { per_task_and_minute = 600, resource_label = "app/x/1/targetgroup/x/1" }
    size              = { cpu = 1024, memory_mib = 2048, min_tasks = 1, max_tasks = 2, spot = true }
  }

  assert {
    condition     = one(aws_ecs_service.this.load_balancer).container_port == 50052 && aws_ecs_service.this.health_check_grace_period_seconds == 60
    error_message = "Requests must go to the port of that name."
  }

  assert {
    condition     = aws_appautoscaling_policy.requests[0].target_tracking_scaling_policy_configuration[0].target_value == 600
    error_message = "It must scale on requests too."
  }

  assert {
    condition     = one(aws_ecs_service.this.capacity_provider_strategy).capacity_provider == "FARGATE_SPOT"
    error_message = "It must run on Spot when asked to."
  }
}

run "one_task_does_not_scale" {
  variables {
    size          = { cpu = 1024, memory_mib = 2048, min_tasks = 1, max_tasks = 1 }
    called_port   = null
    dns_namespace = { id = "ns-1" }
  }

  assert {
    condition     = length(aws_appautoscaling_policy.cpu) == 0
    error_message = "There is nothing to scale."
  }

  assert {
    condition     = length(aws_ecs_service.this.service_connect_configuration[0].service) == 0 && aws_ecs_service.this.service_connect_configuration[0].enabled
    error_message = "A service without callers must still be able to call others."
  }

  assert {
    condition     = aws_service_discovery_service.this[0].dns_config[0].namespace_id == "ns-1"
    error_message = "It must get a DNS name when asked to."
  }
}

run "refuses_a_minimum_above_the_maximum" {
  command = plan
  variables { size = { cpu = 1024, memory_mib = 2048, min_tasks = 3, max_tasks = 2 } }
  expect_failures = [var.size]
}

run "refuses_zero_tasks" {
  command = plan
  variables { size = { cpu = 1024, memory_mib = 2048, min_tasks = 0, max_tasks = 2 } }
  expect_failures = [var.size]
}
