# Terraform can't mock providers of ephemeral values (the password of the database), so these tests use the real
# provider with an emulator of AWS (AWS_ENDPOINT_URL).

override_data {
  target = module.verger.data.aws_ecr_image.this
  values = { image_uri = "registry.example/image@sha256:0000000000000000000000000000000000000000000000000000000000000000" }
}

override_data {
  target = module.verger.data.aws_ecr_repository.this
  values = { arn = "arn:aws:ecr:eu-west-3:000000000000:repository/image" }
}

variables {
  region          = "eu-west-3"
  image_tag       = "1.0.0"
  alarm_email     = "ops@example.org"
  domain_name     = "fruits.example.org"
  certificate_arn = "arn:aws:acm:eu-west-3:000000000000:certificate/1"
}

run "plans" {
  command = plan

  assert {
    condition     = output.url == "https://fruits.example.org" && output.grpc_address == "grpc.fruits.example.org:443"
    error_message = "The environment must answer at its domain."
  }
}

run "refuses_a_zone_as_region" {
  command = plan
  variables { region = "eu-west-3a" } # a zone of it
  expect_failures = [var.region]
}
