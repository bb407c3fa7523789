mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name                     = "verger-test"
  alarm_email              = "ops@example.org"
  monthly_budget_usd       = 100
  cluster_name             = "verger-test"
  cluster_arn              = "arn:aws:ecs:eu-west-3:000000000000:cluster/verger-test"
  services                 = ["web", "preprocess", "inference", "mlflow"]
  metric_names             = { load_balancer = "app/verger-test/1" }
  inference_log_group_name = "/verger-test/inference"
  trainer_family           = "verger-test-trainer"
  trainer_log_group_name   = "/verger-test/trainer"
  database_identifier      = "verger-test"
  kms_key_arn              = "arn:aws:kms:eu-west-3:000000000000:key/mock"
}

run "alerts_reach_their_recipient" {
  command = plan

  assert {
    condition = toset(keys(aws_cloudwatch_metric_alarm.service)) == toset([
      "web-unhealthy", "preprocess-unhealthy", "inference-unhealthy", "mlflow-unhealthy", "no-champion",
    ])
    error_message = "Alarms must watch the health of each service, and the champion."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.service["no-champion"].statistic == "Minimum" && aws_cloudwatch_metric_alarm.service["no-champion"].treat_missing_data == "breaching"
    error_message = "The alarm must fire without healthy tasks, and without tasks."
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.missing)) == toset(var.services)
    error_message = "Tasks that never start must be noticed."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.slow.extended_statistic == "p99" && aws_cloudwatch_metric_alarm.slow.threshold == 2
    error_message = "Slow answers must be noticed."
  }

  assert {
    condition     = aws_sns_topic_subscription.email.endpoint == "ops@example.org"
    error_message = "Alerts must have a recipient."
  }

  assert {
    condition     = aws_budgets_budget.monthly.limit_amount == "100"
    error_message = "Costs must be watched."
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.this) == 2
    error_message = "Failed deployments and trainings must cause alerts."
  }
}

run "events_are_those_of_this_environment" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["deployment-failed"].event_pattern).resources == [{ prefix = "arn:aws:ecs:eu-west-3:000000000000:service/verger-test/" }]
    error_message = "Events of other clusters must be ignored."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["training-failed"].event_pattern).detail.group == ["family:verger-test-trainer"]
    error_message = "Events of other tasks must be ignored."
  }
}

run "dashboard_shows_every_service" {
  command = plan

  assert {
    condition     = alltrue([for service in var.services : strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "\"label\":\"${service}\"")])
    error_message = "A service is missing on the dashboard."
  }
}

run "refuses_an_invalid_email_and_services_without_inference" {
  command = plan

  variables {
    alarm_email        = "ops"
    monthly_budget_usd = 0
    services           = ["web"]
  }

  expect_failures = [var.alarm_email, var.monthly_budget_usd, var.services]
}
