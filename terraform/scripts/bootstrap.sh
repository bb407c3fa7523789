#!/usr/bin/env bash
# Creates the bucket for Terraform's states and the image registry, which all environments need.
# Run it once per account and region. Running it again changes nothing.
#   AWS_REGION=eu-west-3 scripts/bootstrap.sh [--yes]
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

approve=()
[ "${1:-}" != --yes ] || approve=(-input=false -auto-approve)

sign_in
directory=$terraform_root/bootstrap
local_state=$directory/terraform.tfstate
override=$directory/backend_override.tf

if aws s3api head-bucket --bucket "$state_bucket" >/dev/null 2>&1 && [ ! -f "$local_state" ]; then
    connect bootstrap
    tf apply ${approve[@]+"${approve[@]}"}
else
    # The bucket for the state does not exist yet, so Terraform starts with a local state and moves it afterwards.
    printf 'terraform {\n  backend "local" {}\n}\n' >"$override"
    trap 'rm -f "$override"' EXIT
    tf init -input=false -reconfigure >/dev/null
    tf apply ${approve[@]+"${approve[@]}"}
    rm -f "$override"
    tf init -input=false -migrate-state -force-copy \
        -backend-config="bucket=$state_bucket" -backend-config="region=$region" >/dev/null
    rm -f "$local_state" "$local_state.backup"
fi

say "" "Terraform's states are in the bucket $state_bucket. Next step: scripts/push-images.sh TAG"
