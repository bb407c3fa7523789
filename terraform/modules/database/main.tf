# PostgreSQL for MLflow. AWS generates the password, and Secrets Manager stores it. Ephemeral values and write-only
# arguments keep it out of variables, plans and the state.

locals {
  major_version = split(".", var.engine_version)[0]
}

ephemeral "aws_secretsmanager_random_password" "new" {
  password_length     = 40
  exclude_punctuation = true # some clients would need to escape punctuation
}

resource "aws_secretsmanager_secret" "password" {
  # checkov:skip=CKV2_AWS_57: Tasks read the password when they start, so automatic rotation would lock MLflow out. password_generation changes secret and database in one step.
  name_prefix             = "${var.name}-database-" # the name of a deleted secret is reserved for some days
  description             = "Password of MLflow's database user in ${var.name}"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.protected ? 30 : 0
}

resource "aws_secretsmanager_secret_version" "password" {
  secret_id                = aws_secretsmanager_secret.password.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.new.random_password
  secret_string_wo_version = var.password_generation
}

# The password is read back from the secret, so that database and secret are equal even after an interrupted apply.
ephemeral "aws_secretsmanager_secret_version" "password" {
  secret_id  = aws_secretsmanager_secret_version.password.secret_id
  version_id = aws_secretsmanager_secret_version.password.version_id
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Private subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  description = "PostgreSQL of ${var.name}"
  family      = "postgres${local.major_version}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000" # milliseconds
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  # checkov:skip=CKV_AWS_293: prod is protected; dev must be easy to delete.
  # checkov:skip=CKV_AWS_157: prod has a standby; dev need not survive the loss of a zone.
  # checkov:skip=CKV_AWS_118: Performance Insights and the free metrics are enough for this small database.
  # checkov:skip=CKV_AWS_161: MLflow can't sign in with IAM.
  identifier     = var.name
  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.instance_class

  db_name             = "mlflow"
  username            = "mlflow"
  password_wo         = ephemeral.aws_secretsmanager_secret_version.password.secret_string
  password_wo_version = var.password_generation

  storage_type          = "gp3"
  allocated_storage     = var.storage_gib
  max_allocated_storage = 4 * var.storage_gib
  storage_encrypted     = true
  kms_key_id            = var.kms_key_arn

  multi_az               = var.multi_zone
  publicly_accessible    = false
  port                   = var.port
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [var.security_group_id]
  parameter_group_name   = aws_db_parameter_group.this.name

  backup_retention_period   = var.backup_retention_days
  backup_window             = "01:00-02:00" # UTC
  maintenance_window        = "sun:02:30-sun:03:30"
  copy_tags_to_snapshot     = true
  deletion_protection       = var.protected
  skip_final_snapshot       = !var.protected
  final_snapshot_identifier = var.protected ? "${var.name}-final" : null
  delete_automated_backups  = !var.protected

  auto_minor_version_upgrade            = true
  apply_immediately                     = !var.protected
  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.kms_key_arn
  performance_insights_retention_period = 7 # days; longer retention is not free

  depends_on = [aws_cloudwatch_log_group.this]
}

# RDS would otherwise create these log groups without encryption and without an end of retention.
resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338: The environment chooses the retention; no log must be kept for a year.
  for_each = toset(["postgresql", "upgrade"])

  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
