mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  environment_name   = "verger-test"
  size               = { cpu = 4096, memory_mib = 16384, storage_gib = 50 }
  bucket             = { name = "verger-test-data", arn = "arn:aws:s3:::verger-test-data", prefix = "datasets" }
  cluster_arn        = "arn:aws:ecs:eu-west-3:000000000000:cluster/verger-test"
  subnet_ids         = ["subnet-a", "subnet-b"]
  security_group_id  = "sg-trainer"
  kms_key_arn        = "arn:aws:kms:eu-west-3:000000000000:key/mock"
  log_retention_days = 14

  containers = {
    trainer   = { environment = { VERGER_MLFLOW_URL = "http://mlflow.verger-test.internal:5000" }, stop_timeout_seconds = 120, volumes = { tmp = { path = "/tmp" } } }
    registrar = { environment = { VERGER_MLFLOW_URL = "http://mlflow.verger-test.internal:5000" }, stop_timeout_seconds = 10, volumes = { tmp = { path = "/tmp" } } }
  }

  images = {
    registrar = { uri = "registry.example/verger-registrar:1.0.0", repository_arn = "arn:aws:ecr:eu-west-3:000000000000:repository/verger-registrar" }
    trainer   = { uri = "registry.example/verger-trainer:1.0.0", repository_arn = "arn:aws:ecr:eu-west-3:000000000000:repository/verger-trainer" }
    mlflow    = { uri = "registry.example/verger-mlflow:1.0.0", repository_arn = "arn:aws:ecr:eu-west-3:000000000000:repository/verger-mlflow" }
  }
}

run "downloads_data_then_trains" {
  command = plan

  assert {
    condition = one([for container in output.container_definitions.trainer : container.command if container.name == "data"]) == tolist([
      "artifacts", "download", "--artifact-uri", "s3://verger-test-data/datasets/fruits", "--dst-path", "/data",
    ])
    error_message = "The data set must be downloaded from its prefix."
  }

  assert {
    condition     = one([for container in output.container_definitions.trainer : container.command if container.name == "trainer"]) == tolist(["train", "--data", "/data/fruits"])
    error_message = "The trainer must read the volume with the data set."
  }

  assert {
    condition     = one([for container in output.container_definitions.trainer : container.dependsOn if container.name == "trainer"]) == [{ containerName = "data", condition = "SUCCESS" }]
    error_message = "Training must wait until the download has succeeded."
  }

  assert {
    condition = contains(
      one([for container in output.container_definitions.trainer : container.mountPoints if container.name == "trainer"]),
      { sourceVolume = "data", containerPath = "/data", readOnly = true },
    )
    error_message = "The trainer must read the data and not change it."
  }

  assert {
    condition     = output.container_definitions.registrar[0].command == tolist(["import-release"]) && length(output.container_definitions.registrar[0].mountPoints) == 1
    error_message = "The registrar must register the release, without data."
  }

  assert {
    condition     = length(aws_scheduler_schedule.this) == 0 && length(aws_iam_role.scheduler) == 0
    error_message = "Without a schedule, nothing may start a training."
  }
}

run "has_no_tunnel_unless_asked" {
  command = plan

  assert {
    condition     = !contains(keys(output.definition_arns), "tunnel")
    error_message = "Nobody may open sessions unless somebody has asked for it."
  }
}

run "has_a_tunnel_that_only_waits" {
  command = plan

  variables {
    tunnel = true
  }

  assert {
    condition     = output.container_definitions.tunnel[0].entryPoint == tolist(["sleep"]) && !output.container_definitions.tunnel[0].readonlyRootFilesystem
    error_message = "The task must do nothing, and Session Manager's agent must be able to write."
  }

  assert {
    condition     = output.container_definitions.registrar[0].readonlyRootFilesystem && output.container_definitions.trainer[0].readonlyRootFilesystem
    error_message = "All other tasks must keep their read-only root."
  }
}

run "trains_by_a_schedule_on_spot" {
  command = plan

  variables {
    schedule = "cron(0 3 ? * SUN *)"
    dataset  = "flowers"
    options  = ["--fine-tune"]
    size     = { cpu = 4096, memory_mib = 16384, spot = true }
  }

  assert {
    condition     = one(aws_scheduler_schedule.this[0].target[0].ecs_parameters[0].capacity_provider_strategy).capacity_provider == "FARGATE_SPOT"
    error_message = "Scheduled training must run on Spot when asked to."
  }

  assert {
    condition     = !aws_scheduler_schedule.this[0].target[0].ecs_parameters[0].network_configuration[0].assign_public_ip
    error_message = "The task must have no public address."
  }

  assert {
    condition     = one([for container in output.container_definitions.trainer : container.command if container.name == "trainer"]) == tolist(["train", "--data", "/data/flowers", "--fine-tune"])
    error_message = "Options must reach the trainer."
  }
}

run "refuses_a_path_as_data_set_and_a_crontab_schedule" {
  command = plan

  variables {
    dataset  = "../artifacts"
    schedule = "0 3 * * 0"
  }

  expect_failures = [var.dataset, var.schedule]
}
