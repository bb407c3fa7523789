mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name               = "verger-test"
  cidr_block         = "10.20.0.0/16"
  ports              = { web = 8000, preprocess = 50051, inference = 50052, mlflow = 5000, database = 5432 }
  log_retention_days = 14
  kms_key_arn        = "arn:aws:kms:eu-west-3:000000000000:key/mock"
}

run "allows_only_the_connections_of_the_architecture" {
  variables {
    grpc_published = true
  }

  assert {
    condition = toset([
      for rule in aws_vpc_security_group_ingress_rule.arrow : rule.description if !endswith(rule.description, "-to-endpoints")
      ]) == toset([
      "load-balancer-to-web", "load-balancer-to-preprocess", "web-to-preprocess", "preprocess-to-inference",
      "inference-to-mlflow", "trainer-to-mlflow", "mlflow-to-database",
    ])
    error_message = "A connection is allowed that is not in the architecture."
  }

  assert {
    condition = alltrue([
      for name, arrow in local.arrows :
      aws_vpc_security_group_ingress_rule.arrow[name].security_group_id == aws_security_group.this[arrow.to].id &&
      aws_vpc_security_group_ingress_rule.arrow[name].referenced_security_group_id == aws_security_group.this[arrow.from].id &&
      aws_vpc_security_group_egress_rule.arrow[name].security_group_id == aws_security_group.this[arrow.from].id &&
      aws_vpc_security_group_egress_rule.arrow[name].referenced_security_group_id == aws_security_group.this[arrow.to].id &&
      name == "${arrow.from}-to-${arrow.to}"
    ])
    error_message = "A rule doesn't connect the two groups that its name says."
  }

  assert {
    condition = alltrue([
      for rule in concat(values(aws_vpc_security_group_ingress_rule.arrow), values(aws_vpc_security_group_egress_rule.arrow), values(aws_vpc_security_group_egress_rule.s3)) :
      rule.ip_protocol == "tcp" && rule.from_port == rule.to_port && rule.cidr_ipv4 == null && rule.cidr_ipv6 == null
    ])
    error_message = "A rule opens more than one TCP port, or a range of addresses."
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.arrow["web-to-preprocess"].from_port == 50051 &&
      aws_vpc_security_group_ingress_rule.arrow["preprocess-to-inference"].from_port == 50052 &&
      aws_vpc_security_group_ingress_rule.arrow["inference-to-mlflow"].from_port == 5000 &&
      aws_vpc_security_group_ingress_rule.arrow["mlflow-to-database"].from_port == 5432
    )
    error_message = "A connection opens a port on which no service listens."
  }

  assert {
    condition = alltrue([
      for rule in aws_vpc_security_group_ingress_rule.clients : rule.security_group_id == aws_security_group.this["load-balancer"].id
    ])
    error_message = "External addresses may reach more than the load balancer."
  }
}

run "no_external_grpc_unless_published" {
  assert {
    condition     = !contains(keys(aws_vpc_security_group_ingress_rule.arrow), "load-balancer-to-preprocess")
    error_message = "The load balancer may call preprocess although nothing is published there."
  }
}

run "private_subnets_have_no_route_to_the_internet" {
  assert {
    condition     = aws_route.internet.route_table_id == aws_route_table.public.id && aws_route_table.public.id != aws_route_table.private.id
    error_message = "Only public subnets may have a route to the internet."
  }

  assert {
    condition     = alltrue([for association in aws_route_table_association.private : association.route_table_id == aws_route_table.private.id])
    error_message = "A private subnet has another route table."
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.private), values(aws_subnet.public)) : subnet.map_public_ip_on_launch != true])
    error_message = "No subnet may assign public addresses automatically."
  }

  assert {
    condition     = aws_flow_log.this.traffic_type == "REJECT"
    error_message = "Refused connections must be logged."
  }
}

run "subnets_and_endpoints_follow_the_number_of_zones" {
  variables {
    zone_count          = 3
    endpoint_zone_count = 2
  }

  assert {
    condition     = length(aws_subnet.public) == 3 && length(aws_subnet.private) == 3
    error_message = "There must be a public and a private subnet in each zone."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : length(endpoint.subnet_ids) == 2])
    error_message = "Endpoints must be in as many zones as asked for."
  }

  assert {
    condition     = toset([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private)) : subnet.cidr_block]) == toset(["10.20.0.0/20", "10.20.16.0/20", "10.20.32.0/20", "10.20.128.0/20", "10.20.144.0/20", "10.20.160.0/20"])
    error_message = "The ranges of subnets changed, which would replace everything in them."
  }
}

run "endpoints_keep_data_in_the_account" {
  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["ecr-api", "ecr-dkr", "logs", "secretsmanager"])
    error_message = "Tasks may reach another service of AWS that nobody has asked for."
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.s3.policy).Statement[0].Condition.StringEquals["s3:ResourceAccount"] == "000000000000"
    error_message = "Tasks could write to a bucket of another account."
  }

  assert {
    condition = alltrue([
      for endpoint in aws_vpc_endpoint.interface :
      [for statement in jsondecode(endpoint.policy).Statement : statement.Condition.StringEquals["aws:PrincipalAccount"]] == ["000000000000"]
    ])
    error_message = "Credentials of another account could be used to export data."
  }
}

run "accepts_adjacent_ranges" {
  command = plan
  variables { taken_cidr_blocks = ["10.21.0.0/16", "10.19.0.0/16", "192.168.0.0/24"] }
}

run "refuses_more_zones_than_the_region_has" {
  command = plan

  variables { zone_count = 3 }

  override_data {
    target = data.aws_availability_zones.available
    values = { names = ["eu-west-3a", "eu-west-3b"] }
  }

  expect_failures = [data.aws_availability_zones.available]
}

run "refuses_a_public_range_and_invalid_values" {
  command = plan

  variables {
    cidr_block          = "8.8.0.0/16"
    endpoint_zone_count = 3
    client_cidr_blocks  = []
  }

  expect_failures = [var.cidr_block, var.endpoint_zone_count, var.client_cidr_blocks]
}

run "refuses_one_zone_and_invalid_ranges" {
  command = plan

  variables {
    zone_count        = 1
    taken_cidr_blocks = ["the office"]
  }

  expect_failures = [var.zone_count, var.taken_cidr_blocks]
}

run "refuses_a_tiny_range" {
  command = plan
  variables { cidr_block = "10.20.0.0/24" }
  expect_failures = [var.cidr_block]
}

run "refuses_a_range_that_does_not_start_at_its_first_address" {
  command = plan
  variables { cidr_block = "10.20.1.0/16" }
  expect_failures = [var.cidr_block]
}

run "refuses_an_invalid_range" {
  command = plan
  variables { cidr_block = "10.20" }
  expect_failures = [var.cidr_block]
}

run "refuses_a_range_inside_another_network" {
  command = plan
  variables { taken_cidr_blocks = ["10.21.0.0/16", "10.0.0.0/8"] }
  expect_failures = [var.cidr_block]
}

run "refuses_a_range_that_contains_another_network" {
  command = plan
  variables { taken_cidr_blocks = ["10.20.7.0/24"] }
  expect_failures = [var.cidr_block]
}

run "tasks_reach_session_manager_only_if_asked" {
  variables {
    sessions = true
  }

  assert {
    condition     = endswith(aws_vpc_endpoint.interface["ssmmessages"].service_name, ".ssmmessages")
    error_message = "Sessions need the endpoint of Session Manager."
  }
}
