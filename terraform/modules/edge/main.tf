# Load balancer, the only part that the internet can reach. With a certificate, it serves the page and REST over HTTPS
# and gRPC on grpc.DOMAIN. Without one (to try dev), it serves plain HTTP and no gRPC, because gRPC needs TLS here.

locals {
  secure    = var.certificate_arn != null
  grpc_name = local.secure && var.domain_name != null ? "grpc.${var.domain_name}" : null
}

resource "aws_lb" "this" {
  # checkov:skip=CKV2_AWS_28: Verger limits sizes, rates and times itself. A web application firewall belongs to all sites of a company, not to one application.
  name               = var.name
  load_balancer_type = "application"
  internal           = false
  subnets            = var.subnet_ids
  security_groups    = [var.security_group_id]

  drop_invalid_header_fields = true
  desync_mitigation_mode     = "strictest"
  enable_deletion_protection = var.protected
  idle_timeout               = 60 # seconds; the web service keeps connections open longer, so that it closes none during a request

  access_logs {
    bucket  = var.log_bucket
    prefix  = "load-balancer"
    enabled = true
  }
}

resource "aws_lb_target_group" "web" {
  # checkov:skip=CKV_AWS_378: TLS ends at the load balancer. The targets are in private subnets, and security groups allow each connection separately.
  name                 = "${var.name}-web"
  vpc_id               = var.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = var.ports.web
  deregistration_delay = var.deregistration_delay_seconds

  # ECS replaces a task that fails this check. It therefore checks liveness, not readiness: new web tasks would not
  # repair an outage of another service, and the old ones can still explain it to users.
  health_check {
    path                = "/healthz"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_target_group" "grpc" {
  # checkov:skip=CKV_AWS_378: TLS ends at the load balancer. The targets are in private subnets, and security groups allow each connection separately.
  count = local.secure ? 1 : 0

  name                 = "${var.name}-grpc"
  vpc_id               = var.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  protocol_version     = "GRPC"
  port                 = var.ports.preprocess
  deregistration_delay = var.deregistration_delay_seconds

  # The matcher is a gRPC status. The health service answers 0 (OK) while the process is alive.
  health_check {
    path                = "/grpc.health.v1.Health/Check"
    matcher             = "0"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "http" {
  # checkov:skip=CKV_AWS_2: With a certificate this redirects to HTTPS. Only dev may have no certificate.
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80

  default_action {
    type             = local.secure ? "redirect" : "forward"
    target_group_arn = local.secure ? null : aws_lb_target_group.web.arn

    dynamic "redirect" {
      for_each = local.secure ? ["https"] : []

      content {
        protocol    = "HTTPS"
        port        = "443"
        status_code = "HTTP_301"
      }
    }
  }
}

resource "aws_lb_listener" "https" {
  count = local.secure ? 1 : 0

  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

resource "aws_lb_listener_rule" "grpc" {
  count = local.secure ? 1 : 0

  listener_arn = aws_lb_listener.https[0].arn
  priority     = 10

  condition {
    host_header {
      values = [local.grpc_name]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.grpc[0].arn
  }
}

resource "aws_route53_record" "this" {
  for_each = var.zone_id == null ? [] : toset(compact([var.domain_name, local.grpc_name]))

  zone_id = var.zone_id
  name    = each.key
  type    = "A"

  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = true
  }
}
