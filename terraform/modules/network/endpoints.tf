# The ways out of the private subnets: to these AWS services, and to nothing else.

locals {
  interface_endpoints = {
    ecr-api        = "ecr.api"        # which layers an image has
    ecr-dkr        = "ecr.dkr"        # the image's manifest; its layers come from S3
    logs           = "logs"           # what containers write
    secretsmanager = "secretsmanager" # the database's password, read when a task starts
  }
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

  # One address serves all zones; each further one costs as much again and survives the loss of a zone.
  subnet_ids = [for zone in slice(local.zones, 0, var.endpoint_zone_count) : aws_subnet.private[zone].id]

  # Whoever took over a task can't come with keys of another account and leave there what was found here.
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

  # Nothing can be carried off to somebody else's bucket, whatever a task's role might allow.
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
