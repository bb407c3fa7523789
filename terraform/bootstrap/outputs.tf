output "state_bucket" {
  description = "Bucket of Terraform's states."
  value       = module.state.name
}

output "repository_urls" {
  description = "URLs of the repositories by image name."
  value       = module.registry.repository_urls
}
