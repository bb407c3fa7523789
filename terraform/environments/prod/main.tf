# For users: at least two tasks of each service, on demand capacity, in three zones.

module "verger" {
  source = "../../modules/stack"

  name               = "verger-prod"
  protected          = true
  monthly_budget_usd = 1000
  log_retention_days = 90

  cidr_block          = "10.21.0.0/16"
  taken_cidr_blocks   = concat(["10.20.0.0/16"], var.taken_cidr_blocks) # range of dev
  zone_count          = 3
  endpoint_zone_count = 3

  service_sizes = {
    web        = { cpu = 512, memory_mib = 1024, min_tasks = 2, max_tasks = 10 }
    preprocess = { cpu = 1024, memory_mib = 2048, min_tasks = 2, max_tasks = 20 }
    inference  = { cpu = 1024, memory_mib = 2048, min_tasks = 2, max_tasks = 20 }
    mlflow     = { cpu = 1024, memory_mib = 2048, min_tasks = 2, max_tasks = 2 }
  }

  database_size = { instance_class = "db.t4g.small", storage_gib = 50, multi_zone = true, backup_retention_days = 14 }
  trainer_size  = { cpu = 8192, memory_mib = 32768, storage_gib = 50 }
  training      = { schedule = "cron(0 3 ? * SUN *)" } # Sundays at 03:00 UTC
  mlflow_tunnel = false                                # true: scripts/tunnel.sh opens MLflow, see terraform/README.md

  image_tag                    = var.image_tag
  domain_name                  = var.domain_name
  certificate_arn              = var.certificate_arn
  zone_id                      = var.zone_id
  alarm_email                  = var.alarm_email
  client_cidr_blocks           = var.client_cidr_blocks
  settings                     = var.settings
  database_password_generation = var.database_password_generation
}
