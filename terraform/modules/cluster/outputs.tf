output "name" {
  description = "Name of the cluster."
  value       = aws_ecs_cluster.this.name
}

output "arn" {
  description = "ARN of the cluster, once both kinds of capacity can be used."
  value       = aws_ecs_cluster.this.arn
  depends_on  = [aws_ecs_cluster_capacity_providers.this]
}

output "service_connect_namespace_arn" {
  description = "Namespace of Service Connect."
  value       = aws_service_discovery_http_namespace.this.arn
}

output "dns_namespace" {
  description = "Namespace of private DNS names: its ID, and its domain."
  value = {
    id   = aws_service_discovery_private_dns_namespace.this.id
    name = aws_service_discovery_private_dns_namespace.this.name
  }
}
