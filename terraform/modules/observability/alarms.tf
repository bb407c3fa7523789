# What somebody must look at. Each alarm's description says what to do first.

locals {
  edge = { LoadBalancer = var.metric_names.load_balancer }

  # Over the figures of all tasks of one service, minute by minute.
  service_alarms = merge(
    {
      for service in var.services : "${service}-unhealthy" => {
        description = "A task of ${service} fails its health check and is being replaced. Its log says why."
        service     = service
        statistic   = "Maximum"
        missing     = "notBreaching"
      }
    },
    {
      # Inference is healthy once a champion is loaded, so: not one task with a champion, or no task at all.
      no-champion = {
        description = "No inference task has a champion loaded. Is MLflow up? Has the registry a champion? See inference's log; scripts/trainer.sh rollback goes back to the version before."
        service     = "inference"
        statistic   = "Minimum"
        missing     = "breaching"
      }
    },
  )

  database_alarms = {
    cpu     = { metric = "CPUUtilization", comparison = "GreaterThanThreshold", threshold = 80, description = "MLflow's database is busy: above 80 % CPU." }
    storage = { metric = "FreeStorageSpace", comparison = "LessThanThreshold", threshold = 2 * pow(1024, 3), description = "MLflow's database has less than 2 GiB of disk left." }
  }
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-errors"
  alarm_description   = "More than 2 % of requests are answered with 5xx. Look at the log of web, then at those behind it."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 2
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]

  metric_query {
    id          = "share"
    label       = "5xx, percent of requests"
    expression  = "IF(requests >= 20, 100 * (FILL(ours, 0) + FILL(theirs, 0)) / requests, 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { requests = "RequestCount", ours = "HTTPCode_Target_5XX_Count", theirs = "HTTPCode_ELB_5XX_Count" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        dimensions  = local.edge
        stat        = "Sum"
        period      = 60
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  alarm_name          = "${var.name}-slow"
  alarm_description   = "One request in a hundred takes longer than ${var.p99_seconds} s. Are tasks at their limit (dashboard), or photos unusually large?"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "TargetResponseTime"
  dimensions          = local.edge
  extended_statistic  = "p99"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.p99_seconds
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"

  evaluate_low_sample_count_percentiles = "ignore"

  alarm_actions = [aws_sns_topic.alerts.arn]
  ok_actions    = [aws_sns_topic.alerts.arn]
}

resource "aws_cloudwatch_metric_alarm" "service" {
  for_each = local.service_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "ECS/ContainerInsights"
  metric_name         = "UnHealthyContainerHealthStatus"
  dimensions          = { ClusterName = var.cluster_name, ServiceName = each.value.service, ContainerName = each.value.service }
  statistic           = each.value.statistic
  period              = 60
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = 5
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
}

# Unhealthy tasks are gone after a minute; tasks that never start are never unhealthy. This sees both.
resource "aws_cloudwatch_metric_alarm" "missing" {
  for_each = toset(var.services)

  alarm_name          = "${var.name}-${each.key}-missing"
  alarm_description   = "Fewer tasks of ${each.key} run than there should be, for ten minutes. The service's events in ECS say why."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 10
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]

  metric_query {
    id          = "missing"
    label       = "Missing tasks"
    expression  = "desired - FILL(running, 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { desired = "DesiredTaskCount", running = "RunningTaskCount" }

    content {
      id = metric_query.key

      metric {
        namespace   = "ECS/ContainerInsights"
        metric_name = metric_query.value
        dimensions  = { ClusterName = var.cluster_name, ServiceName = each.key }
        stat        = "Average"
        period      = 60
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "database" {
  for_each = local.database_alarms

  alarm_name          = "${var.name}-database-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/RDS"
  metric_name         = each.value.metric
  dimensions          = { DBInstanceIdentifier = var.database_identifier }
  statistic           = "Average"
  period              = 300
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
}
