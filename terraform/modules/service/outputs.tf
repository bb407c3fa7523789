output "name" {
  description = "Name of the service."
  value       = aws_ecs_service.this.name
}

output "arn" {
  description = "ARN of the service."
  value       = aws_ecs_service.this.id
}

output "definition_arn" {
  description = "ARN of the task definition revision that the service must run."
  value       = module.task.definition_arn
}

output "log_group_name" {
  description = "Name of the log group of the service."
  value       = module.task.log_group_name
}

output "container_definitions" {
  description = "Container definition for ECS."
  value       = module.task.container_definitions
}
