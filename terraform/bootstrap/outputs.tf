output "state_bucket" {
  description = "Bucket that holds Terraform's states."
  value       = module.state.name
}

output "repository_urls" {
  description = "Where to push images to, by name."
  value       = module.registry.repository_urls
}
