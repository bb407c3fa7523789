# Public subnets contain only the load balancer. Tasks and the database are in private subnets, which have no route to
# or from the internet. They reach AWS services through endpoints.

locals {
  zones = slice(sort(data.aws_availability_zones.available.names), 0, var.zone_count)

  # A /16 gives subnets of 4,096 addresses: the public ones start at its beginning, the private ones in its middle.
  public_cidr_blocks  = { for index, zone in local.zones : zone => cidrsubnet(var.cidr_block, 4, index) }
  private_cidr_blocks = { for index, zone in local.zones : zone => cidrsubnet(var.cidr_block, 4, 8 + index) }
}

# There is no filter on "state": otherwise a zone with an outage would leave the list, and its subnets would be deleted.
data "aws_availability_zones" "available" {
  # checkov:skip=CKV_AWS_394: Zones are taken from the beginning of a sorted list, and new zones are appended.

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }

  lifecycle {
    postcondition {
      condition     = length(self.names) >= var.zone_count
      error_message = "This region offers ${length(self.names)} availability zones, not ${var.zone_count}. Take another region or a smaller zone_count."
    }
  }
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr_block
  enable_dns_hostnames = true # endpoints and Cloud Map need private DNS names
  enable_dns_support   = true

  tags = { Name = var.name }
}

# A resource without its own security group can't communicate.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-unused" }
}

resource "aws_subnet" "public" {
  for_each = local.public_cidr_blocks

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_subnet" "private" {
  for_each = local.private_cidr_blocks

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.name }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-public" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0" # answers of the load balancer to its clients
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  route_table_id = aws_route_table.public.id
  subnet_id      = each.value.id
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-private" }
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  route_table_id = aws_route_table.private.id
  subnet_id      = each.value.id
}
