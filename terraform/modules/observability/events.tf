# Notifications of single events: a refused champion, a failed deployment, a failed training.

locals {
  events = {
    deployment-failed = {
      description = "A deployment failed, and ECS restored the previous release"
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Deployment State Change"]
        resources   = [{ prefix = "${replace(var.cluster_arn, ":cluster/", ":service/")}/" }]
        detail      = { eventName = ["SERVICE_DEPLOYMENT_FAILED"] }
      }
      text = "\"A deployment of ${var.name} failed, and ECS restored the previous release. Reason: <reason>\""
      path = { reason = "$.detail.reason" }
    }
    training-failed = {
      description = "A training ended with an error"
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Task State Change"]
        detail = {
          clusterArn = [var.cluster_arn]
          lastStatus = ["STOPPED"]
          group      = ["family:${var.trainer_family}"]
          "$or" = [
            { containers = { exitCode = [{ anything-but = [0] }] } },
            { stopCode = ["TaskFailedToStart"] },
          ]
        }
      }
      text = "\"A training of ${var.name} failed: <reason> The log is in the log group ${var.trainer_log_group_name}.\""
      path = { reason = "$.detail.stoppedReason" }
    }
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.events

  name          = "${var.name}-${each.key}"
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.events

  rule = aws_cloudwatch_event_rule.this[each.key].name
  arn  = aws_sns_topic.alerts.arn

  input_transformer {
    input_paths    = each.value.path
    input_template = each.value.text
  }
}

# When a champion is refused, the previous one continues to serve. No other alarm would notice this.
resource "aws_cloudwatch_log_metric_filter" "refused" {
  name           = "${var.name}-champion-refused"
  log_group_name = var.inference_log_group_name
  pattern        = "{ $.event = \"version refused\" }"

  metric_transformation {
    namespace     = "Verger/${var.name}"
    name          = "ChampionRefused"
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "refused" {
  alarm_name          = "${var.name}-champion-refused"
  alarm_description   = "Inference refused the champion of the registry because it is damaged or made for another release. The previous version continues to serve. The log of inference gives the reason."
  namespace           = "Verger/${var.name}"
  metric_name         = aws_cloudwatch_log_metric_filter.refused.metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
}
