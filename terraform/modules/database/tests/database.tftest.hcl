# Terraform can't mock providers of ephemeral values, so these tests use the real provider with an emulator of AWS
# (AWS_ENDPOINT_URL).

provider "aws" {
  region = "eu-west-3"
}

variables {
  name                  = "verger-test"
  instance_class        = "db.t4g.micro"
  multi_zone            = false
  backup_retention_days = 7
  protected             = true
  subnet_ids            = ["subnet-a", "subnet-b"]
  security_group_id     = "sg-database"
  kms_key_arn           = "arn:aws:kms:eu-west-3:000000000000:key/mock"
  log_retention_days    = 14
}

run "database_is_private_encrypted_and_backed_up" {
  command = plan

  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.vpc_security_group_ids == toset(["sg-database"])
    error_message = "The database must have no public address."
  }

  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.kms_key_id == var.kms_key_arn
    error_message = "The disk must be encrypted with the environment's key."
  }

  assert {
    condition     = aws_db_instance.this.backup_retention_period == 7
    error_message = "There must be backups."
  }

  assert {
    condition     = one([for parameter in aws_db_parameter_group.this.parameter : parameter.value if parameter.name == "rds.force_ssl"]) == "1"
    error_message = "Connections must be encrypted."
  }

  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == "verger-test-final"
    error_message = "A protected database must refuse deletion, and leave a snapshot."
  }
}

run "password_is_not_in_the_state" {
  command = plan

  assert {
    condition     = aws_db_instance.this.password == null && aws_db_instance.this.password_wo == null && aws_secretsmanager_secret_version.password.secret_string_wo == null
    error_message = "The password must be written only, never kept."
  }

  assert {
    condition     = aws_db_instance.this.password_wo_version == 1 && aws_secretsmanager_secret_version.password.secret_string_wo_version == 1
    error_message = "Database and secret must change together."
  }
}

run "unprotected_database_can_be_deleted" {
  command = plan

  variables {
    protected = false
  }

  assert {
    condition     = !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot && aws_secretsmanager_secret.password.recovery_window_in_days == 0
    error_message = "Deleting an unprotected database must leave nothing."
  }
}

run "refuses_invalid_values" {
  command = plan

  variables {
    engine_version        = "12"
    instance_class        = "t4g.micro"
    backup_retention_days = 0
    password_generation   = 0
    storage_gib           = 10
    subnet_ids            = ["subnet-a"]
  }

  expect_failures = [var.engine_version, var.instance_class, var.backup_retention_days, var.password_generation, var.storage_gib, var.subnet_ids]
}
