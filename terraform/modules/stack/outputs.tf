output "url" {
  description = "URL of the page and the REST API."
  value       = module.edge.url
}

output "grpc_address" {
  description = "Address of verger.v1.ClassifierService for gRPC clients with TLS. Null without a certificate."
  value       = module.edge.grpc_address
}

output "load_balancer_dns_name" {
  description = "Target of the records for domain_name and grpc.DOMAIN if zone_id is not set."
  value       = module.edge.dns_name
}

output "dashboard_url" {
  description = "URL of the dashboard."
  value       = module.observability.dashboard_url
}

output "datasets_uri" {
  description = "S3 URI of the data sets. Each is a folder that contains one folder per class."
  value       = "s3://${module.data.name}/${local.datasets_prefix}"
}

output "cluster_name" {
  description = "Name of the cluster, for scripts."
  value       = module.cluster.name
}

output "service_definitions" {
  description = "ARN of the task definition revision that each service must run, for scripts."
  value = {
    mlflow     = module.mlflow.definition_arn
    inference  = module.inference.definition_arn
    preprocess = module.preprocess.definition_arn
    web        = module.web.definition_arn
  }
}

output "one_off_tasks" {
  description = "Parameters to run trainer and registrar as one-off tasks, for scripts."
  value = {
    definitions       = module.trainer.definition_arns
    log_groups        = module.trainer.log_group_names
    subnet_ids        = module.network.private_subnet_ids
    security_group_id = module.network.security_group_ids["trainer"]
    capacity_provider = var.trainer_size.spot ? "FARGATE_SPOT" : "FARGATE"
    dataset           = var.training.dataset
    mlflow_host       = local.mlflow_host
  }
}

output "container_definitions" {
  description = "Container definitions of each service for ECS."
  value = {
    web        = module.web.container_definitions
    preprocess = module.preprocess.container_definitions
    inference  = module.inference.container_definitions
    mlflow     = module.mlflow.container_definitions
    trainer    = module.trainer.container_definitions.trainer
    registrar  = module.trainer.container_definitions.registrar
  }
}
