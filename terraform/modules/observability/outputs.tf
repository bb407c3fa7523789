output "topic_arn" {
  description = "Topic that all alerts go to; subscribe a pager here."
  value       = aws_sns_topic.alerts.arn
}

output "dashboard_url" {
  description = "Address of the dashboard."
  value       = "https://${local.region}.console.aws.amazon.com/cloudwatch/home?region=${local.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.this.dashboard_name}"
}
