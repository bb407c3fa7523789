mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  repositories = ["verger-web", "verger-mlflow"]
  kms_key_arn  = "arn:aws:kms:eu-west-3:000000000000:key/mock"
}

run "images_are_scanned_immutable_and_encrypted" {
  assert {
    condition     = keys(aws_ecr_repository.this) == ["verger-mlflow", "verger-web"]
    error_message = "Each image must have one repository."
  }

  assert {
    condition = alltrue([
      for repository in aws_ecr_repository.this :
      repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push &&
      repository.encryption_configuration[0].encryption_type == "KMS" && !repository.force_delete
    ])
    error_message = "Images must be immutable, scanned, encrypted, and hard to delete."
  }

  assert {
    condition     = alltrue([for policy in aws_ecr_lifecycle_policy.this : jsondecode(policy.policy).rules[1].selection.countNumber == 50])
    error_message = "The newest 50 releases must stay."
  }
}

run "refuses_upper_case_and_too_few_kept_images" {
  command = plan

  variables {
    repositories = ["Verger"]
    images_kept  = 1
  }

  expect_failures = [var.repositories, var.images_kept]
}
