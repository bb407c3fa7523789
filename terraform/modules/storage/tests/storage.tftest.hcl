mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name = "verger-test-data-000000000000"
}

run "bucket_is_private_versioned_and_tls_only" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-west-3:000000000000:key/mock"
    access_log  = { bucket = "verger-test-logs-000000000000" }
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.block_public_policy &&
      aws_s3_bucket_public_access_block.this.ignore_public_acls && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    )
    error_message = "Nothing in the bucket may be public."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Objects must have versions."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "Objects must be encrypted with the environment's key."
  }

  assert {
    condition = [for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : [statement.Sid, statement.Effect]] == [
      ["TlsOnly", "Deny"], ["NoOldTls", "Deny"],
    ]
    error_message = "The policy must deny requests without TLS and allow nothing."
  }

  assert {
    condition     = aws_s3_bucket_logging.this[0].target_prefix == "s3/verger-test-data-000000000000/"
    error_message = "Access must be logged under the bucket's name."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "A bucket that isn't empty must not be deleted unless that was asked for."
  }
}

run "log_bucket_accepts_logs_of_this_account" {
  variables {
    expiration_days = 90
    log_writers = {
      Bucket = { service = "logging.s3.amazonaws.com", prefix = "s3/x/", account_known = true }
    }
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Load balancers can write logs only with the keys of S3."
  }

  assert {
    condition = (
      jsondecode(aws_s3_bucket_policy.this.policy).Statement[2].Resource == "arn:aws:s3:::verger-test-data-000000000000/s3/x/*" &&
      jsondecode(aws_s3_bucket_policy.this.policy).Statement[2].Condition.StringEquals["aws:SourceAccount"] == "000000000000"
    )
    error_message = "A log writer must be limited to its prefix and this account."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration[0].days == 90
    error_message = "Logs must expire."
  }
}

run "refuses_invalid_values" {
  command = plan

  variables {
    name            = "Verger_data"
    expiration_days = 0
    noncurrent_days = 0
  }

  expect_failures = [var.name, var.expiration_days, var.noncurrent_days]
}
