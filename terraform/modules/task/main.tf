# A task definition with its own roles and log group. Its containers have a read-only root unless they say otherwise, run
# as an unprivileged user, and have only the permissions in AWS that iam.tf lists.

locals {
  full_name = "${var.environment_name}-${var.name}"

  # Directories that a container may write to. They are deleted with the task.
  volumes = toset(flatten([for container in values(var.containers) : keys(container.volumes)]))

  container_definitions = [
    for name, container in var.containers : merge(
      {
        name                   = name
        image                  = container.image
        essential              = container.essential
        user                   = "10001:10001" # without a group, the group would be root
        readonlyRootFilesystem = container.read_only_root
        stopTimeout            = container.stop_timeout_seconds
        linuxParameters        = { capabilities = { drop = ["ALL"] } }
        portMappings = [
          for port_name, port in container.ports : merge(
            { name = port_name, containerPort = port.number, hostPort = port.number, protocol = "tcp" },
            port.protocol == null ? {} : { appProtocol = port.protocol },
          )
        ]
        environment = [for key in sort(keys(container.environment)) : { name = key, value = container.environment[key] }]
        secrets     = [for key in sort(keys(container.secrets)) : { name = key, valueFrom = container.secrets[key] }]
        mountPoints = [
          for volume, mount in container.volumes : { sourceVolume = volume, containerPath = mount.path, readOnly = mount.read_only }
        ]
        dependsOn = [for other, condition in container.after : { containerName = other, condition = condition }]
        logConfiguration = {
          logDriver = "awslogs"
          options = {
            awslogs-group         = aws_cloudwatch_log_group.this.name
            awslogs-region        = data.aws_region.current.name
            awslogs-stream-prefix = name
            mode                  = "non-blocking" # an outage of the log service must not stop predictions
            max-buffer-size       = "25m"
          }
        }
      },
      container.entry_point == null ? {} : { entryPoint = container.entry_point },
      container.command == null ? {} : { command = container.command },
      container.health_check == null ? {} : {
        healthCheck = {
          command     = concat(["CMD"], container.health_check.command)
          interval    = 10
          timeout     = 5
          retries     = 3
          startPeriod = container.health_check.start_period_seconds
        }
      },
    )
  ]
}

data "aws_region" "current" {}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338: The environment chooses the retention; no log must be kept for a year.
  name              = "/${var.environment_name}/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_ecs_task_definition" "this" {
  family                   = local.full_name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory_mib
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode(local.container_definitions)
  skip_destroy             = true # keeps the previous revision, to which ECS returns after a failed deployment

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64" # the pinned TensorFlow supports no other architecture
  }

  dynamic "ephemeral_storage" {
    for_each = var.ephemeral_storage_gib[*]

    content {
      size_in_gib = ephemeral_storage.value
    }
  }

  dynamic "volume" {
    for_each = local.volumes

    content {
      name = volume.key
    }
  }
}
