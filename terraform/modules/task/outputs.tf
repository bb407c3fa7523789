output "definition_arn" {
  description = "ARN of the current revision. It is known once its roles have their permissions."
  value       = aws_ecs_task_definition.this.arn
  depends_on  = [aws_iam_role_policy.execution, aws_iam_role_policy.bucket, aws_iam_role_policy.sessions]
}

output "family" {
  description = "Name of the task definition without a revision."
  value       = aws_ecs_task_definition.this.family
}

output "arn_without_revision" {
  description = "ARN without a revision. In policies, ARN:* means all revisions."
  value       = aws_ecs_task_definition.this.arn_without_revision
}

output "role_arns" {
  description = "ARNs of the roles that a caller must be allowed to pass to start the task."
  value       = [aws_iam_role.execution.arn, aws_iam_role.task.arn]
}

output "log_group_name" {
  description = "Name of the log group of all containers."
  value       = aws_cloudwatch_log_group.this.name
}

output "container_definitions" {
  description = "Container definitions for ECS."
  value       = local.container_definitions
}
