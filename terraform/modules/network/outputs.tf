output "vpc_id" {
  description = "ID of the VPC."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "IDs of the subnets of the load balancer, one per zone."
  value       = [for zone in local.zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "IDs of the subnets of tasks and database, one per zone."
  value       = [for zone in local.zones : aws_subnet.private[zone].id]
}

output "security_group_ids" {
  description = "IDs of the security groups by name: each service, trainer, load-balancer, database and endpoints."
  value       = { for name, group in aws_security_group.this : name => group.id }
}
