mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name              = "verger-test"
  vpc_id            = "vpc-1"
  subnet_ids        = ["subnet-a", "subnet-b"]
  security_group_id = "sg-load-balancer"
  ports             = { web = 8000, preprocess = 50051 }
  log_bucket        = "verger-test-logs"
  protected         = true
}

run "with_certificate_serves_https_and_grpc" {
  command = plan

  variables {
    domain_name     = "fruits.example.org"
    certificate_arn = "arn:aws:acm:eu-west-3:000000000000:certificate/1"
    zone_id         = "Z1"
  }

  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "redirect" && aws_lb_listener.http.default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "Plain HTTP must redirect to HTTPS."
  }

  assert {
    condition     = aws_lb_listener.https[0].ssl_policy == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06" && aws_lb_listener.https[0].certificate_arn == var.certificate_arn
    error_message = "Only TLS 1.2 and 1.3 may be allowed."
  }

  assert {
    condition = (
      aws_lb_target_group.grpc[0].protocol_version == "GRPC" &&
      aws_lb_target_group.grpc[0].health_check[0].path == "/grpc.health.v1.Health/Check" &&
      aws_lb_target_group.grpc[0].health_check[0].matcher == "0"
    )
    error_message = "The health check of gRPC targets must use gRPC."
  }

  assert {
    condition     = one(one(aws_lb_listener_rule.grpc[0].condition).host_header).values == toset(["grpc.fruits.example.org"])
    error_message = "gRPC must answer on its own host name."
  }

  assert {
    condition     = output.url == "https://fruits.example.org" && output.grpc_address == "grpc.fruits.example.org:443"
    error_message = "The addresses must be those of the domain."
  }

  assert {
    condition     = keys(aws_route53_record.this) == ["fruits.example.org", "grpc.fruits.example.org"]
    error_message = "Both names must have a record."
  }

  assert {
    condition     = aws_lb.this.enable_deletion_protection && aws_lb.this.drop_invalid_header_fields && aws_lb.this.access_logs[0].enabled
    error_message = "The load balancer must be protected, strict, and logged."
  }
}

run "health_check_of_web_is_liveness" {
  command = plan

  assert {
    condition     = aws_lb_target_group.web.health_check[0].path == "/healthz"
    error_message = "A readiness check would replace web tasks for an outage behind them."
  }

  assert {
    condition     = aws_lb_target_group.web.deregistration_delay == "30"
    error_message = "Requests in flight must have time to end."
  }
}

run "without_certificate_serves_http_only" {
  command = plan

  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "forward" && length(aws_lb_listener.https) == 0 && length(aws_lb_target_group.grpc) == 0
    error_message = "Without a certificate there is plain HTTP only."
  }

  assert {
    condition     = output.grpc_address == null
    error_message = "gRPC needs TLS."
  }
}

run "refuses_a_certificate_of_another_region" {
  command = plan

  variables {
    domain_name     = "fruits.example.org"
    certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/1"
  }

  expect_failures = [var.certificate_arn]
}

run "refuses_a_certificate_without_a_name" {
  command = plan
  variables { certificate_arn = "arn:aws:acm:eu-west-3:000000000000:certificate/1" }
  expect_failures = [var.certificate_arn]
}

run "refuses_invalid_values" {
  command = plan

  variables {
    name                         = "verger-for-everybody-everywhere"
    domain_name                  = "https://fruits.example.org/"
    subnet_ids                   = ["subnet-a"]
    deregistration_delay_seconds = 0
  }

  expect_failures = [var.name, var.domain_name, var.subnet_ids, var.deregistration_delay_seconds]
}

run "refuses_an_invalid_certificate_and_a_zone_without_a_name" {
  command = plan

  variables {
    certificate_arn = "certificate.pem"
    zone_id         = "Z1"
  }

  expect_failures = [var.certificate_arn, var.zone_id]
}
