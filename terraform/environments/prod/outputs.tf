output "url" {
  description = "Address of the page and of the REST API."
  value       = module.verger.url
}

output "grpc_address" {
  description = "Address for gRPC clients, which must use TLS. Null without a certificate."
  value       = module.verger.grpc_address
}

output "load_balancer_dns_name" {
  description = "What records for domain_name and grpc.DOMAIN must point to where zone_id is not set."
  value       = module.verger.load_balancer_dns_name
}

output "dashboard_url" {
  description = "Address of the dashboard."
  value       = module.verger.dashboard_url
}

output "datasets_uri" {
  description = "Where data sets go: each is one folder of class folders under it."
  value       = module.verger.datasets_uri
}

output "image_tag" {
  description = "Release that runs."
  value       = var.image_tag
}

output "cluster_name" {
  description = "Name of the cluster, for scripts."
  value       = module.verger.cluster_name
}

output "service_definitions" {
  description = "Revision of the task definition that each service shall run, for scripts."
  value       = module.verger.service_definitions
}

output "one_off_tasks" {
  description = "How to run trainer and registrar once, for scripts."
  value       = module.verger.one_off_tasks
}
