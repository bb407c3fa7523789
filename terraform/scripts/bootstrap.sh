#!/usr/bin/env bash
# Makes what must be there before any environment: the bucket for Terraform's states, and the registry of images.
# Once per account and region; running it again changes nothing.
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
    # The bucket that shall hold the state isn't there yet: begin with a state on this disk, then move it.
    printf 'terraform {\n  backend "local" {}\n}\n' >"$override"
    trap 'rm -f "$override"' EXIT
    tf init -input=false -reconfigure >/dev/null
    tf apply ${approve[@]+"${approve[@]}"}
    rm -f "$override"
    tf init -input=false -migrate-state -force-copy \
        -backend-config="bucket=$state_bucket" -backend-config="region=$region" >/dev/null
    rm -f "$local_state" "$local_state.backup"
fi

say "" "States are in the bucket $state_bucket. Next: scripts/push-images.sh TAG"
