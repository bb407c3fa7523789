output "topic_arn" {
  description = "ARN of the topic for all alerts, to which a pager can subscribe."
  value       = aws_sns_topic.alerts.arn
}

output "dashboard_url" {
  description = "URL of the dashboard."
  value       = "https://${local.region}.console.aws.amazon.com/cloudwatch/home?region=${local.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.this.dashboard_name}"
}
