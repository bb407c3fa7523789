output "url" {
  description = "Address of the page and of the REST API."
  value       = module.edge.url
}

output "grpc_address" {
  description = "Address of verger.v1.ClassifierService for gRPC clients, which must use TLS. Null without a certificate."
  value       = module.edge.grpc_address
}

output "load_balancer_dns_name" {
  description = "What records for domain_name and grpc.DOMAIN must point to where zone_id is not set."
  value       = module.edge.dns_name
}

output "dashboard_url" {
  description = "Address of the dashboard."
  value       = module.observability.dashboard_url
}

output "datasets_uri" {
  description = "Where data sets go: each is one folder of class folders under it."
  value       = "s3://${module.data.name}/${local.datasets_prefix}"
}

output "cluster_name" {
  description = "Name of the cluster, for scripts."
  value       = module.cluster.name
}

output "service_definitions" {
  description = "Revision of the task definition that each service shall run, for scripts."
  value = {
    mlflow     = module.mlflow.definition_arn
    inference  = module.inference.definition_arn
    preprocess = module.preprocess.definition_arn
    web        = module.web.definition_arn
  }
}

output "one_off_tasks" {
  description = "How to run trainer and registrar once, for scripts."
  value = {
    definitions       = module.trainer.definition_arns
    log_groups        = module.trainer.log_group_names
    subnet_ids        = module.network.private_subnet_ids
    security_group_id = module.network.security_group_ids["trainer"]
    capacity_provider = var.trainer_size.spot ? "FARGATE_SPOT" : "FARGATE"
    dataset           = var.training.dataset
  }
}

output "container_definitions" {
  description = "What ECS is told about the containers of each service."
  value = {
    web        = module.web.container_definitions
    preprocess = module.preprocess.container_definitions
    inference  = module.inference.container_definitions
    mlflow     = module.mlflow.container_definitions
    trainer    = module.trainer.container_definitions.trainer
    registrar  = module.trainer.container_definitions.registrar
  }
}
