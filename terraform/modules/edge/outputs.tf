output "target_group_arns" {
  description = "ARNs of the target groups: web, and grpc if it is published. They are known once a listener forwards to them."
  value       = merge({ web = aws_lb_target_group.web.arn }, local.secure ? { grpc = aws_lb_target_group.grpc[0].arn } : {})
  depends_on  = [aws_lb_listener.http, aws_lb_listener.https, aws_lb_listener_rule.grpc]
}

output "url" {
  description = "URL of the page."
  value       = "${local.secure ? "https" : "http"}://${coalesce(var.domain_name, aws_lb.this.dns_name)}"
}

output "grpc_address" {
  description = "Address for gRPC clients with TLS. Null without a certificate."
  value       = local.grpc_name == null ? null : "${local.grpc_name}:443"
}

output "dns_name" {
  description = "DNS name of the load balancer, for records outside of this module."
  value       = aws_lb.this.dns_name
}

output "metric_names" {
  description = "Names of the load balancer and of the target group of web in CloudWatch metrics."
  value       = { load_balancer = aws_lb.this.arn_suffix, web = aws_lb_target_group.web.arn_suffix }
}
