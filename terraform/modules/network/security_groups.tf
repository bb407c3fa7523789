# All allowed connections. Each connection of the architecture opens one port in the security groups at both ends.

locals {
  tasks  = toset(["web", "preprocess", "inference", "mlflow", "trainer"])
  groups = setunion(local.tasks, ["load-balancer", "database", "endpoints"])

  arrows = merge(
    {
      load-balancer-to-web    = { from = "load-balancer", to = "web", port = var.ports.web }
      web-to-preprocess       = { from = "web", to = "preprocess", port = var.ports.preprocess }
      preprocess-to-inference = { from = "preprocess", to = "inference", port = var.ports.inference }
      inference-to-mlflow     = { from = "inference", to = "mlflow", port = var.ports.mlflow }
      trainer-to-mlflow       = { from = "trainer", to = "mlflow", port = var.ports.mlflow }
      mlflow-to-database      = { from = "mlflow", to = "database", port = var.ports.database }
    },
    var.grpc_published ? {
      load-balancer-to-preprocess = { from = "load-balancer", to = "preprocess", port = var.ports.preprocess }
    } : {},
    { for task in local.tasks : "${task}-to-endpoints" => { from = task, to = "endpoints", port = 443 } },
  )

  client_ports = { http = 80, https = 443 }
  clients = {
    for pair in setproduct(keys(local.client_ports), var.client_cidr_blocks) :
    "${pair[0]} from ${pair[1]}" => { port = local.client_ports[pair[0]], cidr_block = pair[1] }
  }
}

resource "aws_security_group" "this" {
  # checkov:skip=CKV2_AWS_5: Other modules attach these; checkov does not follow them.
  for_each = local.groups

  name        = "${var.name}-${each.key}"
  description = "What ${each.key} of ${var.name} may receive and send"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "arrow" {
  for_each = local.arrows

  description                  = each.key
  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "arrow" {
  for_each = local.arrows

  description                  = each.key
  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

# Image layers, artifacts and data sets come from S3. Its gateway endpoint has a prefix list instead of a security
# group.
resource "aws_vpc_security_group_egress_rule" "s3" {
  for_each = local.tasks

  description       = "${each.key}-to-s3"
  security_group_id = aws_security_group.this[each.key].id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = local.clients

  description       = each.key
  security_group_id = aws_security_group.this["load-balancer"].id
  cidr_ipv4         = each.value.cidr_block
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}
