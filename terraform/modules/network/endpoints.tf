# Endpoints: the private subnets can reach these AWS services and nothing else.

locals {
  interface_endpoints = merge(
    {
      ecr-api        = "ecr.api"        # list of the layers of an image
      ecr-dkr        = "ecr.dkr"        # manifest of an image; its layers come from S3
      logs           = "logs"           # logs of the containers
      secretsmanager = "secretsmanager" # password of the database, read when a task starts
    },
    var.sessions ? { ssmmessages = "ssmmessages" } : {}, # tunnels of Session Manager
  )
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.interface_endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${data.aws_region.current.name}.${each.value}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  security_group_ids  = [aws_security_group.this["endpoints"].id]

  # An endpoint in one zone serves all zones. Each additional zone costs the same again and survives the loss of one
  # zone.
  subnet_ids = [for zone in slice(local.zones, 0, var.endpoint_zone_count) : aws_subnet.private[zone].id]

  # An attacker in a task can't use credentials of another account to export data.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "RolesOfThisAccount"
      Effect    = "Allow"
      Principal = "*"
      Action    = "*"
      Resource  = "*"
      Condition = { StringEquals = { "aws:PrincipalAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${data.aws_region.current.name}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]

  # A task can't write to buckets of other accounts, whatever its role allows.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "BucketsOfThisAccount"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:*"
        Resource  = "*"
        Condition = { StringEquals = { "s3:ResourceAccount" = data.aws_caller_identity.current.account_id } }
      },
      {
        Sid       = "LayersOfImages"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = "arn:${data.aws_partition.current.partition}:s3:::prod-${data.aws_region.current.name}-starport-layer-bucket/*"
      },
    ]
  })

  tags = { Name = "${var.name}-s3" }
}
