# Terraform can't mock providers of ephemeral values (the password of the database), so these tests use the real
# provider with an emulator of AWS (AWS_ENDPOINT_URL).

provider "aws" {
  region = "eu-west-3"
}

override_data {
  target = data.aws_ecr_image.this
  values = { image_uri = "registry.example/image@sha256:0000000000000000000000000000000000000000000000000000000000000000" }
}

override_data {
  target = data.aws_ecr_repository.this
  values = { arn = "arn:aws:ecr:eu-west-3:000000000000:repository/image" }
}

variables {
  name                = "verger-test"
  image_tag           = "1.0.0"
  protected           = false
  cidr_block          = "10.20.0.0/16"
  zone_count          = 2
  endpoint_zone_count = 1
  log_retention_days  = 14
  alarm_email         = "ops@example.org"
  monthly_budget_usd  = 100
  database_size       = { instance_class = "db.t4g.micro", storage_gib = 20, multi_zone = false, backup_retention_days = 1 }
  trainer_size        = { cpu = 4096, memory_mib = 16384 }

  service_sizes = {
    web        = { cpu = 256, memory_mib = 512, min_tasks = 1, max_tasks = 2 }
    preprocess = { cpu = 512, memory_mib = 1024, min_tasks = 1, max_tasks = 2 }
    inference  = { cpu = 512, memory_mib = 1024, min_tasks = 1, max_tasks = 2 }
    mlflow     = { cpu = 512, memory_mib = 2048, min_tasks = 1, max_tasks = 1 }
  }
}

run "runs_by_digest" {
  command = plan

  assert {
    condition     = alltrue([for containers in output.container_definitions : alltrue([for container in containers : strcontains(container.image, "@sha256:")])])
    error_message = "Images must be pinned by digest."
  }
}

run "settings_reach_services_and_trainer_but_not_mlflow" {
  command = plan

  variables {
    settings = { VERGER_MODEL_NAME = "flowers" }
  }

  assert {
    condition = [
      for name in ["web", "preprocess", "inference", "trainer", "registrar", "mlflow"] : anytrue([
        for container in output.container_definitions[name] : contains(container.environment, { name = "VERGER_MODEL_NAME", value = "flowers" })
      ])
    ] == [true, true, true, true, true, false]
    error_message = "A setting must reach all programs of Verger and no others."
  }

  # A model of its own name has no version at first: nothing is imported (the registrar compares the names), all tasks
  # become healthy without it, and inference says how to train one.
  assert {
    condition     = output.container_definitions.registrar[0].command == tolist(["import-release"])
    error_message = "The registrar must be the one who decides whether the release is imported."
  }

  assert {
    condition = alltrue([
      for name in ["inference", "preprocess"] : strcontains(join(" ", output.container_definitions[name][0].healthCheck.command), "health --started ")
    ])
    error_message = "A task must be healthy without a version of the model, or the first deployment would never end."
  }

  assert {
    condition = [
      for name in ["inference", "trainer", "registrar"] : anytrue([
        for container in output.container_definitions[name] : contains(container.environment, { name = "VERGER_TRAIN_COMMAND", value = "scripts/trainer.sh test train" })
      ])
    ] == [true, true, true]
    error_message = "Who says that there is no version must also say how to train one here."
  }
}

run "refuses_latest_and_production_without_certificate" {
  command = plan

  variables {
    image_tag = "latest"
    protected = true
  }

  expect_failures = [var.image_tag, var.certificate_arn]
}

run "refuses_invalid_values" {
  command = plan

  variables {
    name               = "verger-for-everybody-here"
    image_tag          = "release 1"
    settings           = { PATH = "/tmp" }
    log_retention_days = 15
  }

  expect_failures = [var.name, var.image_tag, var.settings, var.log_retention_days]
}

run "refuses_settings_that_break_addresses" {
  command = plan
  variables { settings = { VERGER_MLFLOW_URL = "http://localhost:5000" } }
  expect_failures = [var.settings]
}
