mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name = "verger-test"
}

run "key_rotates_and_no_service_may_use_it_by_default" {
  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key must rotate."
  }

  assert {
    condition     = [for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Sid] == ["AccountDecidesByIam"]
    error_message = "No service may use the key unless it was asked for."
  }
}

run "services_may_use_the_key_for_this_environment_only" {
  variables {
    log_group_prefixes = ["/verger-test/"]
    used_by_alerts     = true
  }

  assert {
    condition     = jsondecode(aws_kms_key.this.policy).Statement[1].Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"] == ["arn:aws:logs:eu-west-3:000000000000:log-group:/verger-test/*"]
    error_message = "CloudWatch Logs may use the key for log groups of other environments."
  }

  assert {
    condition     = jsondecode(aws_kms_key.this.policy).Statement[2].Condition.StringEquals["aws:SourceAccount"] == "000000000000"
    error_message = "Alarms of other accounts may use the key."
  }
}
