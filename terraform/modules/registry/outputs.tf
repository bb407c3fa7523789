output "repository_urls" {
  description = "URLs of the repositories by image name."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}
