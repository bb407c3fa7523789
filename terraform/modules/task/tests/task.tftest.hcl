mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name               = "mlflow"
  environment_name   = "verger-test"
  cpu                = 512
  memory_mib         = 1024
  repository_arns    = ["arn:aws:ecr:eu-west-3:000000000000:repository/verger-mlflow"]
  kms_key_arn        = "arn:aws:kms:eu-west-3:000000000000:key/mock"
  log_retention_days = 14

  containers = {
    mlflow = {
      image                = "registry.example/verger-mlflow:1.0.0"
      ports                = { http = { number = 5000, protocol = "http" }, metrics = { number = 9100 } }
      environment          = { MLFLOW_PORT = "5000", A = "b" }
      secrets              = { PGPASSWORD = "arn:aws:secretsmanager:eu-west-3:000000000000:secret:db-AbCdEf:::version-1" }
      health_check         = { command = ["python", "-c", "pass"], start_period_seconds = 120 }
      stop_timeout_seconds = 30
      volumes              = { tmp = { path = "/tmp" } }
    }
  }
}

run "containers_are_unprivileged" {
  assert {
    condition = (
      output.container_definitions[0].readonlyRootFilesystem && output.container_definitions[0].user == "10001:10001" &&
      output.container_definitions[0].linuxParameters.capabilities.drop == ["ALL"]
    )
    error_message = "A container must not write to its own disk, be root, or have a capability."
  }

  assert {
    condition     = output.container_definitions[0].mountPoints == [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    error_message = "Its writable directories must be volumes."
  }

  assert {
    condition     = output.container_definitions[0].healthCheck.command == ["CMD", "python", "-c", "pass"] && output.container_definitions[0].stopTimeout == 30
    error_message = "Health check and grace must be as given, without a shell."
  }

  assert {
    condition = [for port in output.container_definitions[0].portMappings : [port.name, port.containerPort, try(port.appProtocol, null)]] == [
      ["http", 5000, "http"], ["metrics", 9100, null],
    ]
    error_message = "Only ports with a protocol are balanced call by call."
  }

  assert {
    condition     = aws_ecs_task_definition.this.skip_destroy
    error_message = "The previous revision must remain usable."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/verger-test/mlflow" && aws_cloudwatch_log_group.this.retention_in_days == 14 && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn
    error_message = "The task must have its own encrypted logs with a retention."
  }
}

run "execution_role_has_only_what_it_needs" {
  assert {
    condition     = jsondecode(aws_iam_role_policy.execution.policy).Statement[1].Resource == ["arn:aws:ecr:eu-west-3:000000000000:repository/verger-mlflow"]
    error_message = "The role must allow only its own images."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.execution.policy).Statement[2].Resource == "${aws_cloudwatch_log_group.this.arn}:*"
    error_message = "The role must allow only its own logs."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.execution.policy).Statement[3].Resource == ["arn:aws:secretsmanager:eu-west-3:000000000000:secret:db-AbCdEf"]
    error_message = "The role must allow exactly its own secrets."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Sid if statement.Resource == "*"
    ] == ["SignInToTheRegistry"]
    error_message = "Only the sign-in to the registry may have no resource."
  }

  assert {
    condition     = length(aws_iam_role_policy.bucket) == 0
    error_message = "A program without needs in AWS must have no permissions."
  }
}

run "task_role_reads_one_prefix" {
  variables {
    bucket_access = { bucket_arn = "arn:aws:s3:::data", prefix = "datasets", writes = false }
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.bucket[0].policy).Statement[1] == { Sid = "ReadItsPrefix", Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::data/datasets/*" }
    error_message = "Reading must be limited to the prefix."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.bucket[0].policy).Statement[0].Condition.StringLike["s3:prefix"] == ["datasets", "datasets/*"]
    error_message = "Listing must be limited to the prefix."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.bucket[0].policy).Statement[2].Action == ["kms:Decrypt"]
    error_message = "A reader may only decrypt."
  }
}

run "without_secrets_no_permission_to_read_secrets" {
  variables {
    containers = { mlflow = { image = "registry.example/verger-mlflow@sha256:00" } }
  }

  assert {
    condition     = length(jsondecode(aws_iam_role_policy.execution.policy).Statement) == 3
    error_message = "Without secrets there is nothing to read or decrypt."
  }
}

run "refuses_an_image_without_tag" {
  command = plan
  variables { containers = { mlflow = { image = "verger-mlflow" } } }
  expect_failures = [var.containers]
}

run "refuses_secrets_in_environment" {
  command = plan
  variables { containers = { mlflow = { image = "verger-mlflow:1", environment = { PGPASSWORD = "x" } } } }
  expect_failures = [var.containers]
}

run "refuses_a_stop_timeout_above_the_maximum" {
  command = plan
  variables { containers = { mlflow = { image = "verger-mlflow:1", stop_timeout_seconds = 600 } } }
  expect_failures = [var.containers]
}

run "refuses_memory_that_fargate_does_not_support" {
  command = plan
  variables { memory_mib = 8192 }
  expect_failures = [var.memory_mib]
}

run "refuses_memory_between_the_steps_of_large_tasks" {
  command = plan

  variables {
    cpu        = 8192
    memory_mib = 17408
  }

  expect_failures = [var.memory_mib]
}

run "accepts_the_largest_task" {
  command = plan

  variables {
    cpu        = 16384
    memory_mib = 122880
  }
}

run "refuses_latest_and_invalid_values" {
  command = plan

  variables {
    name                  = "my service"
    cpu                   = 300
    ephemeral_storage_gib = 500
    containers            = { mlflow = { image = "registry.example/verger-mlflow:latest" } }
  }

  expect_failures = [var.name, var.cpu, var.ephemeral_storage_gib, var.containers]
}
