output "definition_arn" {
  description = "ARN of the present revision, once its roles may do what they must."
  value       = aws_ecs_task_definition.this.arn
  depends_on  = [aws_iam_role_policy.execution, aws_iam_role_policy.bucket]
}

output "family" {
  description = "Name of the task definition without a revision."
  value       = aws_ecs_task_definition.this.family
}

output "arn_without_revision" {
  description = "ARN that stands for all revisions in policies, followed by :*."
  value       = aws_ecs_task_definition.this.arn_without_revision
}

output "role_arns" {
  description = "Roles that whoever starts the task must be allowed to pass on."
  value       = [aws_iam_role.execution.arn, aws_iam_role.task.arn]
}

output "log_group_name" {
  description = "Log group of all containers."
  value       = aws_cloudwatch_log_group.this.name
}

output "container_definitions" {
  description = "What ECS is told about the containers."
  value       = local.container_definitions
}
