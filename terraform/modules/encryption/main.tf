# One key for all data of an environment. Roles may use it if their own policies allow it. The key policy allows only
# the services that act without a role: CloudWatch Logs, alarms, budgets and events.

locals {
  policy = {
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "AccountDecidesByIam"
          Effect    = "Allow"
          Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
          Action    = "kms:*"
          Resource  = "*"
        },
      ],
      [for statement in [
        {
          Sid       = "LogsOfThisEnvironment"
          Effect    = "Allow"
          Principal = { Service = "logs.${data.aws_region.current.name}.amazonaws.com" }
          Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
          Resource  = "*"
          Condition = {
            ArnLike = {
              "kms:EncryptionContext:aws:logs:arn" = [
                for prefix in var.log_group_prefixes : join(":", [
                  "arn", data.aws_partition.current.partition, "logs", data.aws_region.current.name,
                  data.aws_caller_identity.current.account_id, "log-group", "${prefix}*",
                ])
              ]
            }
          }
        },
      ] : statement if length(var.log_group_prefixes) > 0],
      [for statement in [
        {
          Sid       = "AlertsOfThisAccount"
          Effect    = "Allow"
          Principal = { Service = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"] }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
          Resource  = "*"
          Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
        },
        {
          Sid       = "EventsWithoutSource" # EventBridge gives no source when it publishes to a topic
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
          Resource  = "*"
        },
      ] : statement if var.used_by_alerts],
    )
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

resource "aws_kms_key" "this" {
  description             = "Encrypts what ${var.name} stores"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = jsonencode(local.policy)
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}
