"""One life of environments/dev, from an empty account to its end, by the scripts that people use."""

import json
from dataclasses import dataclass
from typing import Any

from tests.support.aws.moto_server import REGION, MotoServer
from tests.support.aws.workspace import Plan, Workspace, assert_success

DEV = "environments/dev"
DOMAIN = "fruits.example.org"


@dataclass(frozen=True)
class Life:
    """What was seen on the way.

    deployed: what deploy.sh said.
    settled: the plan right after it, for the same release.
    update: the plan for the next release.
    state, password: all that Terraform keeps, and the database's password.
    untrained: what trainer.sh said when asked to train on nothing.
    destroyed: what destroy.sh said.
    left: what the account still holds after it, by kind.
    """

    deployed: str
    settled: Plan
    update: Plan
    state: str
    password: str
    untrained: str
    destroyed: str
    left: dict[str, list[str]]


def live(workspace: Workspace, moto: MotoServer) -> Life:
    """Bootstraps, pushes, deploys, looks around, and destroys."""
    assert_success(workspace.script("bootstrap", "--yes"))
    for release in ("1.0.0", "1.1.0"):
        assert_success(workspace.script("push-images", release))
    certificate = client(moto, "acm").request_certificate(
        DomainName=DOMAIN, SubjectAlternativeNames=[f"grpc.{DOMAIN}"], ValidationMethod="DNS"
    )
    answers = {
        "domain_name": DOMAIN,
        "certificate_arn": certificate["CertificateArn"],
        "alarm_email": "ops@example.org",
    }
    (workspace.folder / DEV / "terraform.tfvars.json").write_text(json.dumps(answers))
    deployed = assert_success(workspace.script("deploy", "dev", "1.0.0", "--yes"))
    region = f"-var=region={REGION}"
    return Life(
        deployed=deployed,
        settled=workspace.plan(DEV, region, "-var=image_tag=1.0.0"),
        update=workspace.plan(DEV, region, "-var=image_tag=1.1.0"),
        state=assert_success(workspace.terraform(DEV, "state", "pull")),
        password=password(moto),
        untrained=workspace.script("trainer", "dev", "train", "--data", "flowers").stderr,
        destroyed=assert_success(workspace.script("destroy", "dev", "--yes")),
        left=left(moto),
    )


def client(moto: MotoServer, service: str) -> Any:
    """A client of one of AWS' services."""
    import boto3

    return boto3.client(
        service,
        endpoint_url=moto.url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def password(moto: MotoServer) -> str:
    """The database's password, as a task would read it."""
    secrets = client(moto, "secretsmanager")
    secret = secrets.list_secrets()["SecretList"][0]
    return str(secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"])


def left(moto: MotoServer) -> dict[str, list[str]]:
    """What costs money or stands in the way of the next life. The bucket of states and the images may stay."""
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
