provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project     = "verger"
      Environment = "prod"
      ManagedBy   = "terraform"
    }
  }
}
