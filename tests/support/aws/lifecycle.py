"""The whole lifecycle of environments/dev, from an empty account to its deletion, run with the scripts for users."""

import json
from dataclasses import dataclass
from typing import Any

from tests.support.aws.moto_server import REGION, MotoServer
from tests.support.aws.workspace import Plan, Workspace, assert_success

DEV = "environments/dev"
DOMAIN = "fruits.example.org"


@dataclass(frozen=True)
class Lifecycle:
    """Observations during the lifecycle."""

    deployed: str
    """Output of deploy.sh."""
    settled: Plan
    """Plan after the deployment, for the same release."""
    update: Plan
    """Plan for the next release."""
    state: str
    """Terraform's whole state."""
    password: str
    """Password of the database."""
    untrained: str
    """Errors of trainer.sh for a data set that does not exist."""
    tunnelled: str
    """Output of tunnel.sh, whose session ends at once."""
    destroyed: str
    """Output of destroy.sh."""
    left: dict[str, list[str]]
    """Resources in the account after destroy.sh, by kind."""


def run_lifecycle(workspace: Workspace, moto: MotoServer) -> Lifecycle:
    """Bootstraps, pushes images, deploys, plans, and destroys."""
    assert_success(workspace.script("bootstrap", "--yes"))
    for release in ("1.0.0", "1.1.0"):
        assert_success(workspace.script("push-images", release))
    certificate = client(moto, "acm").request_certificate(
        DomainName=DOMAIN, SubjectAlternativeNames=[f"grpc.{DOMAIN}"], ValidationMethod="DNS"
    )
    variables = {
        "domain_name": DOMAIN,
        "certificate_arn": certificate["CertificateArn"],
        "alarm_email": "ops@example.org",
    }
    (workspace.folder / DEV / "terraform.tfvars.json").write_text(json.dumps(variables))
    deployed = assert_success(workspace.script("deploy", "dev", "1.0.0", "--yes"))
    region = f"-var=region={REGION}"
    return Lifecycle(
        deployed=deployed,
        settled=workspace.plan(DEV, region, "-var=image_tag=1.0.0"),
        update=workspace.plan(DEV, region, "-var=image_tag=1.1.0"),
        state=assert_success(workspace.terraform(DEV, "state", "pull")),
        password=password(moto),
        untrained=workspace.script("trainer", "dev", "train", "--data", "flowers").stderr,
        tunnelled=assert_success(workspace.script("tunnel", "dev")),
        destroyed=assert_success(workspace.script("destroy", "dev", "--yes")),
        left=left(moto),
    )


def client(moto: MotoServer, service: str) -> Any:
    """Returns a client of an AWS service."""
    import boto3

    return boto3.client(
        service,
        endpoint_url=moto.url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def password(moto: MotoServer) -> str:
    """Reads the password of the database as a task would."""
    secrets = client(moto, "secretsmanager")
    secret = secrets.list_secrets()["SecretList"][0]
    return str(secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"])


def left(moto: MotoServer) -> dict[str, list[str]]:
    """Lists resources that cost money or would block another deployment. Images and the state bucket may stay."""
    ecs = client(moto, "ecs")
    clusters = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"])["clusters"]
    balancers = client(moto, "elbv2").describe_load_balancers()["LoadBalancers"]
    return {
        "buckets": [bucket["Name"] for bucket in client(moto, "s3").list_buckets()["Buckets"]],
        "clusters": [cluster["clusterName"] for cluster in clusters if cluster["status"] != "INACTIVE"],
        "databases": [
            one["DBInstanceIdentifier"] for one in client(moto, "rds").describe_db_instances()["DBInstances"]
        ],
        "load balancers": [balancer["LoadBalancerName"] for balancer in balancers],
        "log groups": [one["logGroupName"] for one in client(moto, "logs").describe_log_groups()["logGroups"]],
        "networks": [one["VpcId"] for one in client(moto, "ec2").describe_vpcs()["Vpcs"] if not one["IsDefault"]],
        "roles": [role["RoleName"] for role in client(moto, "iam").list_roles()["Roles"]],
        "secrets": [secret["Name"] for secret in client(moto, "secretsmanager").list_secrets()["SecretList"]],
        "task definitions": ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"],
    }
