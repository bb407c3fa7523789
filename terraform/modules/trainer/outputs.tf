output "families" {
  description = "Names of the task definitions."
  value       = { trainer = module.trainer.family, registrar = module.registrar.family }
}

output "definition_arns" {
  description = "ARNs of the current revisions of the task definitions."
  value       = { trainer = module.trainer.definition_arn, registrar = module.registrar.definition_arn }
}

output "log_group_names" {
  description = "Names of the log groups of the tasks."
  value       = { trainer = module.trainer.log_group_name, registrar = module.registrar.log_group_name }
}

output "container_definitions" {
  description = "Container definitions for ECS."
  value       = { trainer = module.trainer.container_definitions, registrar = module.registrar.container_definitions }
}
