output "identifier" {
  description = "Name of the instance, for metrics."
  value       = aws_db_instance.this.identifier
}

output "uri" {
  description = "SQLAlchemy URI without a password; libpq takes that from the variable PGPASSWORD."
  value       = "postgresql+psycopg://${aws_db_instance.this.username}@${aws_db_instance.this.address}:${aws_db_instance.this.port}/${aws_db_instance.this.db_name}?sslmode=require"
}

output "password_secret_arn" {
  description = "Secret that holds the password."
  value       = aws_secretsmanager_secret.password.arn
}

output "password_reference" {
  description = "The password's present version, as ECS takes it. Another password is another reference: tasks are replaced."
  value       = "${aws_secretsmanager_secret.password.arn}:::${aws_secretsmanager_secret_version.password.version_id}"
}
