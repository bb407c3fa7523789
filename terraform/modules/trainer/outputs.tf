output "families" {
  description = "Names of the task definitions."
  value       = { for name, task in local.tasks : name => task.family }
}

output "definition_arns" {
  description = "ARNs of the current revisions of the task definitions."
  value       = { for name, task in local.tasks : name => task.definition_arn }
}

output "log_group_names" {
  description = "Names of the log groups of the tasks."
  value       = { for name, task in local.tasks : name => task.log_group_name }
}

output "container_definitions" {
  description = "Container definitions for ECS."
  value       = { for name, task in local.tasks : name => task.container_definitions }
}
