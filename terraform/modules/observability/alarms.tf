# Alarms. The description of each alarm says what to check first.

locals {
  edge = { LoadBalancer = var.metric_names.load_balancer }

  # Each alarm evaluates the health of all tasks of one service per minute.
  service_alarms = merge(
    {
      for service in var.services : "${service}-unhealthy" => {
        description = "A task of ${service} fails its health check, and ECS replaces it. Its log gives the reason."
        service     = service
        statistic   = "Maximum"
        missing     = "notBreaching"
      }
    },
    {
      # A task of inference is healthy once it has loaded a champion. The alarm fires if no task is healthy or none
      # runs.
      no-champion = {
        description = "No inference task has loaded a champion. Check whether MLflow runs and the registry has a champion, and read the log of inference. scripts/trainer.sh rollback restores the previous version."
        service     = "inference"
        statistic   = "Minimum"
        missing     = "breaching"
      }
    },
  )

  database_alarms = {
    cpu     = { metric = "CPUUtilization", comparison = "GreaterThanThreshold", threshold = 80, description = "The database of MLflow uses more than 80 % CPU." }
    storage = { metric = "FreeStorageSpace", comparison = "LessThanThreshold", threshold = 2 * pow(1024, 3), description = "The database of MLflow has less than 2 GiB of free disk space." }
  }
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-errors"
  alarm_description   = "More than 2 % of requests get a 5xx answer. Read the log of web, then those of preprocess, inference and mlflow."
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
  alarm_description   = "1 % of requests take longer than ${var.p99_seconds} s. Check on the dashboard whether tasks are at their limit, and whether photos are unusually large."
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

# ECS removes unhealthy tasks after a minute, and tasks that never start are not unhealthy. This alarm notices both.
resource "aws_cloudwatch_metric_alarm" "missing" {
  for_each = toset(var.services)

  alarm_name          = "${var.name}-${each.key}-missing"
  alarm_description   = "For ten minutes, fewer tasks of ${each.key} have run than desired. The events of the service in ECS give the reason."
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
