"""An emulator of AWS, and Terraform and the scripts of terraform/ run against it."""
