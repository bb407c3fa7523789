output "url" {
  description = "URL of the page and the REST API."
  value       = module.verger.url
}

output "grpc_address" {
  description = "Address for gRPC clients with TLS. Null without a certificate."
  value       = module.verger.grpc_address
}

output "load_balancer_dns_name" {
  description = "Target of the records for domain_name and grpc.DOMAIN if zone_id is not set."
  value       = module.verger.load_balancer_dns_name
}

output "dashboard_url" {
  description = "URL of the dashboard."
  value       = module.verger.dashboard_url
}

output "datasets_uri" {
  description = "S3 URI of the data sets. Each is a folder that contains one folder per class."
  value       = module.verger.datasets_uri
}

output "image_tag" {
  description = "Deployed release."
  value       = var.image_tag
}

output "cluster_name" {
  description = "Name of the cluster, for scripts."
  value       = module.verger.cluster_name
}

output "service_definitions" {
  description = "ARN of the task definition revision that each service must run, for scripts."
  value       = module.verger.service_definitions
}

output "one_off_tasks" {
  description = "Parameters to run trainer and registrar as one-off tasks, for scripts."
  value       = module.verger.one_off_tasks
}
