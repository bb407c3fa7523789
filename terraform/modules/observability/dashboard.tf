# Dashboard with requests, response times, errors and the use of resources by service.

locals {
  region = data.aws_region.current.name

  charts = [
    {
      title = "Requests per minute"
      stat  = "Sum"
      metrics = [
        for metric, label in { RequestCount = "all", HTTPCode_Target_4XX_Count = "4xx", HTTPCode_Target_5XX_Count = "5xx", HTTPCode_ELB_5XX_Count = "5xx of the load balancer" } :
        ["AWS/ApplicationELB", metric, "LoadBalancer", var.metric_names.load_balancer, { label = label }]
      ]
    },
    {
      title = "Response time in seconds"
      stat  = "p50"
      metrics = [
        for stat in ["p50", "p95", "p99"] :
        ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.metric_names.load_balancer, { stat = stat, label = stat }]
      ]
    },
    {
      title   = "CPU in percent of the tasks' limit"
      stat    = "Average"
      metrics = [for service in var.services : ["AWS/ECS", "CPUUtilization", "ClusterName", var.cluster_name, "ServiceName", service, { label = service }]]
    },
    {
      title   = "Memory in percent of the tasks' limit"
      stat    = "Average"
      metrics = [for service in var.services : ["AWS/ECS", "MemoryUtilization", "ClusterName", var.cluster_name, "ServiceName", service, { label = service }]]
    },
    {
      title   = "Running tasks"
      stat    = "Average"
      metrics = [for service in var.services : ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", var.cluster_name, "ServiceName", service, { label = service }]]
    },
    {
      title = "Inference: tasks without a champion, refused champions"
      stat  = "Sum"
      metrics = [
        ["ECS/ContainerInsights", "UnHealthyContainerHealthStatus", "ClusterName", var.cluster_name, "ServiceName", "inference", "ContainerName", "inference", { label = "without a champion" }],
        ["Verger/${var.name}", "ChampionRefused", { label = "refused" }],
      ]
    },
    {
      title = "Database"
      stat  = "Average"
      metrics = [
        for metric in ["CPUUtilization", "DatabaseConnections"] :
        ["AWS/RDS", metric, "DBInstanceIdentifier", var.database_identifier, { label = metric }]
      ]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [
      for index, chart in local.charts : {
        type   = "metric"
        width  = 12
        height = 6
        x      = 12 * (index % 2)
        y      = 6 * floor(index / 2)
        properties = {
          title   = chart.title
          view    = "timeSeries"
          region  = local.region
          period  = 60
          stat    = chart.stat
          metrics = chart.metrics
        }
      }
    ]
  })
}
