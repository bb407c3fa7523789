"""Invalid input is refused before any resource is created, with a message that says what to do."""

import json

import pytest

from tests.support.aws.workspace import Workspace, assert_success, missing

VALID = {
    "region": "eu-west-3",
    "image_tag": "1.0.0",
    "alarm_email": "ops@example.org",
    "domain_name": "fruits.example.org",
    "certificate_arn": "arn:aws:acm:eu-west-3:000000000000:certificate/1",
}


def refusal(workspace: Workspace, environment: str, **values: object) -> str:
    """Returns the error of a plan with these variables, without line breaks."""
    directory = f"environments/{environment}"
    (workspace.folder / directory / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    assert_success(workspace.terraform(directory, "init", "-reconfigure"))
    file = workspace.folder / "values.tfvars.json"
    file.write_text(json.dumps(VALID | values))
    done = workspace.terraform(directory, "plan", f"-var-file={file}")
    assert done.returncode == 1
    return " ".join(done.stderr.replace("│", " ").split())


def test_a_city_is_refused_as_a_region(attached: Workspace) -> None:
    said = refusal(attached, "dev", region="Paris")
    assert "region must be the code of an AWS region, such as eu-west-3 (Paris)" in said


def test_the_tag_latest_an_overlapping_range_and_an_incomplete_email_are_refused(attached: Workspace) -> None:
    said = refusal(attached, "dev", image_tag="latest", taken_cidr_blocks=["10.20.128.0/20"], alarm_email="ops")
    assert 'image_tag must not be "latest"' in said
    assert "cidr_block overlaps one of taken_cidr_blocks (10.21.0.0/16, 10.20.128.0/20). Choose a free range" in said
    assert "alarm_email must be an address such as ops@example.org" in said


def test_prod_without_certificate_is_refused(attached: Workspace) -> None:
    said = refusal(attached, "prod", certificate_arn=None)
    assert "needs HTTPS: request a certificate for domain_name and grpc.DOMAIN in ACM" in said


def test_a_certificate_of_another_region_is_refused(attached: Workspace) -> None:
    said = refusal(attached, "dev", certificate_arn="arn:aws:acm:us-east-1:000000000000:certificate/1")
    assert "The certificate is in another region than the load balancer (eu-west-3)" in said


@pytest.mark.parametrize(
    ("script", "arguments", "variables", "sentence"),
    [
        ("deploy", ["dev"], {}, "Give an environment and a release: scripts/deploy.sh dev 1.4.0"),
        ("deploy", ["staging", "1.0.0"], {}, "Give an environment: dev or prod."),
        ("deploy", ["dev", "1.0.0"], {}, "run scripts/bootstrap.sh first"),
        ("destroy", [], {}, "Give an environment: dev or prod."),
        ("push-images", ["latest"], {}, '"latest" is not a release'),
        ("trainer", ["dev"], {}, "Give an environment and a command"),
        (
            "bootstrap",
            [],
            {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""},
            "Set it, for example: export AWS_REGION=eu-west-3",
        ),
    ],
)
def test_scripts_say_which_argument_or_step_is_missing(
    attached: Workspace, script: str, arguments: list[str], variables: dict[str, str], sentence: str
) -> None:
    if reason := missing("aws", "jq"):
        pytest.skip(reason)
    done = attached.script(script, *arguments, **variables)
    assert done.returncode == 1
    assert sentence in done.stderr
