output "target_group_arns" {
  description = "Where tasks register, once a listener sends requests there: web, and grpc where it is published."
  value       = merge({ web = aws_lb_target_group.web.arn }, local.secure ? { grpc = aws_lb_target_group.grpc[0].arn } : {})
  depends_on  = [aws_lb_listener.http, aws_lb_listener.https, aws_lb_listener_rule.grpc]
}

output "url" {
  description = "Address of the page."
  value       = "${local.secure ? "https" : "http"}://${coalesce(var.domain_name, aws_lb.this.dns_name)}"
}

output "grpc_address" {
  description = "Address for gRPC clients, which must use TLS. Null without a certificate."
  value       = local.grpc_name == null ? null : "${local.grpc_name}:443"
}

output "dns_name" {
  description = "The load balancer's own name, for records that are made elsewhere."
  value       = aws_lb.this.dns_name
}

output "metric_names" {
  description = "How CloudWatch calls the load balancer and its target group of web tasks."
  value       = { load_balancer = aws_lb.this.arn_suffix, web = aws_lb_target_group.web.arn_suffix }
}
