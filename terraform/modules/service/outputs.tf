output "name" {
  description = "Name of the service."
  value       = aws_ecs_service.this.name
}

output "arn" {
  description = "ARN of the service."
  value       = aws_ecs_service.this.id
}

output "definition_arn" {
  description = "Revision of the task definition that the service shall run."
  value       = module.task.definition_arn
}

output "log_group_name" {
  description = "Log group of the service."
  value       = module.task.log_group_name
}

output "container_definitions" {
  description = "What ECS is told about the container."
  value       = module.task.container_definitions
}
