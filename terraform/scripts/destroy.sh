#!/usr/bin/env bash
# Deletes an environment with all its data. It keeps images and Terraform's states, which belong to bootstrap.
#   AWS_REGION=eu-west-3 scripts/destroy.sh dev [--yes]
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

approve=()
[ "${2:-}" != --yes ] || approve=(-input=false -auto-approve)

use_environment "${1:-}"
tag=$(tf output -raw image_tag 2>/dev/null) || die "Terraform's state contains no $environment, so there is nothing to destroy."
tf destroy ${approve[@]+"${approve[@]}"} -var "image_tag=$tag" ||
    die "Not everything could be deleted. Remove the protection of prod first: see \"Destroy\" in terraform/README.md."

# Terraform keeps old task definitions for rollbacks. They cost nothing but are no longer needed.
for family in web preprocess inference mlflow trainer registrar tunnel; do
    aws ecs list-task-definitions --family-prefix "verger-$environment-$family" --query 'taskDefinitionArns[]' --output text |
        tr '\t' '\n' | while read -r arn; do
        case $arn in arn:*) aws ecs deregister-task-definition --task-definition "$arn" >/dev/null ;; esac
    done
done

say "" "$environment is deleted."
