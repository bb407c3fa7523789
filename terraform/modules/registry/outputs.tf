output "repository_urls" {
  description = "Where to push to, by name of the image."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}
