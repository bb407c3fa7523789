# Two roles: ECS uses the first one to start the task, and the program uses the second one.

locals {
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })

  # A reference may have :KEY:STAGE:VERSION after the ARN of the secret.
  secret_arns = distinct([
    for reference in flatten([for container in values(var.containers) : values(container.secrets)]) :
    join(":", slice(split(":", reference), 0, 7))
  ])

  execution_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "SignInToTheRegistry"
          Effect   = "Allow"
          Action   = "ecr:GetAuthorizationToken"
          Resource = "*" # the action supports no resources
        },
        {
          Sid      = "PullItsImages"
          Effect   = "Allow"
          Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
          Resource = sort(var.repository_arns)
        },
        {
          Sid      = "WriteItsLog"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${aws_cloudwatch_log_group.this.arn}:*"
        },
      ],
      [for statement in [
        {
          Sid      = "ReadItsSecrets"
          Effect   = "Allow"
          Action   = "secretsmanager:GetSecretValue"
          Resource = local.secret_arns
        },
        {
          Sid       = "DecryptItsSecrets"
          Effect    = "Allow"
          Action    = "kms:Decrypt"
          Resource  = var.kms_key_arn
          Condition = { StringEquals = { "kms:EncryptionContext:SecretARN" = local.secret_arns } }
        },
      ] : statement if length(local.secret_arns) > 0],
    )
  }

  bucket_statements = flatten([
    for access in var.bucket_access[*] : [
      {
        Sid       = "ListItsPrefix"
        Effect    = "Allow"
        Action    = "s3:ListBucket"
        Resource  = access.bucket_arn
        Condition = { StringLike = { "s3:prefix" = [access.prefix, "${access.prefix}/*"] } }
      },
      {
        Sid      = access.writes ? "ReadAndWriteItsPrefix" : "ReadItsPrefix"
        Effect   = "Allow"
        Action   = concat(["s3:GetObject"], access.writes ? ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"] : [])
        Resource = "${access.bucket_arn}/${access.prefix}/*"
      },
      {
        Sid       = "UseTheKeyInS3"
        Effect    = "Allow"
        Action    = concat(["kms:Decrypt"], access.writes ? ["kms:GenerateDataKey"] : [])
        Resource  = var.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${data.aws_region.current.name}.amazonaws.com" } }
      },
    ]
  ])
}

data "aws_caller_identity" "current" {}

resource "aws_iam_role" "execution" {
  name               = "${local.full_name}-execution"
  description        = "Starts the tasks of ${local.full_name}"
  assume_role_policy = local.assume_role_policy
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = jsonencode(local.execution_policy)
}

resource "aws_iam_role" "task" {
  name               = "${local.full_name}-task"
  description        = "What ${local.full_name} itself may do in AWS"
  assume_role_policy = local.assume_role_policy
}

resource "aws_iam_role_policy" "bucket" {
  count = length(var.bucket_access[*])

  name   = "bucket"
  role   = aws_iam_role.task.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.bucket_statements })
}

# Session Manager, with which tunnels are opened. These actions support no resources.
resource "aws_iam_role_policy" "sessions" {
  count = var.sessions ? 1 : 0

  name = "sessions"
  role = aws_iam_role.task.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "OpenChannelsOfSessions"
      Effect   = "Allow"
      Action   = ["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]
      Resource = "*"
    }]
  })
}
