# Small and cheap: one task per service, mostly on Spot capacity. It does not survive the loss of a zone.

module "verger" {
  source = "../../modules/stack"

  name               = "verger-dev"
  protected          = false
  monthly_budget_usd = 250
  log_retention_days = 14

  cidr_block          = "10.20.0.0/16"
  taken_cidr_blocks   = concat(["10.21.0.0/16"], var.taken_cidr_blocks) # range of prod
  zone_count          = 2
  endpoint_zone_count = 1

  service_sizes = {
    web        = { cpu = 256, memory_mib = 512, min_tasks = 1, max_tasks = 2, spot = true }
    preprocess = { cpu = 512, memory_mib = 1024, min_tasks = 1, max_tasks = 2, spot = true }
    inference  = { cpu = 512, memory_mib = 1024, min_tasks = 1, max_tasks = 2, spot = true }
    mlflow     = { cpu = 512, memory_mib = 2048, min_tasks = 1, max_tasks = 1 }
  }

  database_size = { instance_class = "db.t4g.micro", storage_gib = 20, multi_zone = false, backup_retention_days = 1 }
  trainer_size  = { cpu = 4096, memory_mib = 16384, spot = true }
  training      = { schedule = null }
  mlflow_tunnel = true

  image_tag                    = var.image_tag
  domain_name                  = var.domain_name
  certificate_arn              = var.certificate_arn
  zone_id                      = var.zone_id
  alarm_email                  = var.alarm_email
  client_cidr_blocks           = var.client_cidr_blocks
  settings                     = var.settings
  database_password_generation = var.database_password_generation
}
