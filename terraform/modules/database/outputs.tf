output "identifier" {
  description = "Name of the database instance, for metrics."
  value       = aws_db_instance.this.identifier
}

output "uri" {
  description = "SQLAlchemy URI without a password. libpq takes the password from PGPASSWORD."
  value       = "postgresql+psycopg://${aws_db_instance.this.username}@${aws_db_instance.this.address}:${aws_db_instance.this.port}/${aws_db_instance.this.db_name}?sslmode=require"
}

output "password_secret_arn" {
  description = "ARN of the secret that contains the password."
  value       = aws_secretsmanager_secret.password.arn
}

output "password_reference" {
  description = "Reference to the current version of the password for ECS. A new password changes it, so that tasks are replaced."
  value       = "${aws_secretsmanager_secret.password.arn}:::${aws_secretsmanager_secret_version.password.version_id}"
}
