"""The scripts create environments/dev from nothing, plan an update, and destroy it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.aws.lifecycle import Lifecycle
from tests.support.aws.workspace import Plan
from tests.support.repository import ROOT

CONTAINERS: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / "terraform" / "modules" / "stack" / "containers.yaml").read_text()
)
SERVICES = ("inference", "mlflow", "preprocess", "web")
TASKS = (*SERVICES, "trainer")

pytestmark = pytest.mark.timeout(1800)  # seconds; the first test waits for the whole lifecycle


def test_deploy_prints_the_url(lifecycle: Lifecycle) -> None:
    assert "Release 1.0.0 runs in dev: https://fruits.example.org" in lifecycle.deployed
    assert "registrar runs as task" in lifecycle.deployed  # it registers the released model


def test_a_second_plan_changes_nothing(lifecycle: Lifecycle) -> None:
    assert lifecycle.settled.changes == {}
    assert len(lifecycle.settled.resources) > 150


def test_a_new_release_updates_the_services_in_place_and_nothing_else(lifecycle: Lifecycle) -> None:
    """Task definitions are immutable: each gets a new revision, and the old one is kept for a rollback."""
    changes = lifecycle.update.changes
    revisions = {name for name in changes if name.endswith(".aws_ecs_task_definition.this")}
    assert len(revisions) == 7
    services = [f"module.verger.module.{name}.aws_ecs_service.this" for name in SERVICES]
    outputs = ["output.image_tag", "output.one_off_tasks", "output.service_definitions"]
    assert {name: changes[name] for name in changes.keys() - revisions} == {
        name: ["update"] for name in [*services, *outputs]
    }
    assert all(values["skip_destroy"] for values in lifecycle.update.of_type("aws_ecs_task_definition"))


def test_the_state_does_not_contain_the_password(lifecycle: Lifecycle) -> None:
    assert len(lifecycle.password) == 40
    assert "aws_db_instance" in lifecycle.state
    assert lifecycle.password not in lifecycle.state


def test_training_on_a_missing_data_set_says_what_to_upload(lifecycle: Lifecycle) -> None:
    assert "There are no files under s3://verger-dev-data-" in lifecycle.untrained
    assert "aws s3 sync FOLDER" in lifecycle.untrained


def test_a_tunnel_leads_to_mlflow_and_ends_with_its_session(lifecycle: Lifecycle) -> None:
    assert "MLflow is on http://localhost:5000." in lifecycle.tunnelled
    (session,) = re.findall(r'\{"Target":.*\}', lifecycle.tunnelled)
    opened = json.loads(session)
    assert re.fullmatch(r"ecs:verger-dev_[0-9a-f-]{36}_[0-9a-f-]{36}-1", opened["Target"])
    assert opened["DocumentName"] == "AWS-StartPortForwardingSessionToRemoteHost"
    ports = {"portNumber": ["5000"], "localPortNumber": ["5000"]}
    assert opened["Parameters"] == {"host": ["mlflow.verger-dev.internal"]} | ports
    assert lifecycle.tunnelled.rstrip().endswith("The tunnel is closed.")


def test_destroy_keeps_only_images_and_states(lifecycle: Lifecycle) -> None:
    assert "dev is deleted." in lifecycle.destroyed
    (bucket,) = lifecycle.left["buckets"]
    assert bucket.startswith("verger-terraform-")
    assert {kind: found for kind, found in lifecycle.left.items() if found} == {"buckets": [bucket]}


def connections(plan: Plan) -> set[tuple[str, str, int]]:
    """Returns (caller, callee, port) of all ingress rules."""
    names = {group["id"]: group["name"].removeprefix("verger-dev-") for group in plan.of_type("aws_security_group")}
    return {
        (
            names.get(rule["referenced_security_group_id"], rule["cidr_ipv4"]),
            names[rule["security_group_id"]],
            rule["from_port"] if rule["from_port"] == rule["to_port"] else -1,
        )
        for rule in plan.of_type("aws_vpc_security_group_ingress_rule")
    }


def test_security_groups_allow_the_connections_of_the_architecture(lifecycle: Lifecycle) -> None:
    assert connections(lifecycle.settled) == {
        ("0.0.0.0/0", "load-balancer", 80),
        ("0.0.0.0/0", "load-balancer", 443),
        ("load-balancer", "web", 8000),
        ("load-balancer", "preprocess", 50051),
        ("web", "preprocess", 50051),
        ("preprocess", "inference", 50052),
        ("inference", "mlflow", 5000),
        ("trainer", "mlflow", 5000),
        ("mlflow", "database", 5432),
        *((task, "endpoints", 443) for task in TASKS),
    }


def test_egress_rules_match_the_ingress_rules(lifecycle: Lifecycle) -> None:
    plan = lifecycle.settled
    names = {group["id"]: group["name"].removeprefix("verger-dev-") for group in plan.of_type("aws_security_group")}
    rules = plan.of_type("aws_vpc_security_group_egress_rule")
    sent = {
        (names[rule["security_group_id"]], names[rule["referenced_security_group_id"]], rule["from_port"])
        for rule in rules
        if rule["referenced_security_group_id"]
    }
    assert sent == {connection for connection in connections(plan) if connection[0] != "0.0.0.0/0"}
    others = [rule for rule in rules if not rule["referenced_security_group_id"]]
    assert sorted(names[rule["security_group_id"]] for rule in others) == sorted(TASKS)
    assert all(rule["prefix_list_id"].startswith("pl-") and not rule["cidr_ipv4"] for rule in others)  # only S3


def test_only_the_load_balancer_can_reach_the_internet(lifecycle: Lifecycle) -> None:
    world = {address for address, values in lifecycle.settled.resources.items() if "0.0.0.0/0" in json.dumps(values)}
    network = "module.verger.module.network"
    assert world == {
        f'{network}.aws_vpc_security_group_ingress_rule.clients["http from 0.0.0.0/0"]',
        f'{network}.aws_vpc_security_group_ingress_rule.clients["https from 0.0.0.0/0"]',
        f'{network}.aws_security_group.this["load-balancer"]',  # the same two rules as attributes of the group
        f"{network}.aws_route.internet",
        f"{network}.aws_route_table.public",
    }
    assert not any(subnet["map_public_ip_on_launch"] for subnet in lifecycle.settled.of_type("aws_subnet"))


def containers(plan: Plan) -> dict[str, dict[str, Any]]:
    """Returns the definition of the main container of each task, by name."""
    definitions = {
        values["family"].removeprefix("verger-dev-"): json.loads(values["container_definitions"])
        for values in plan.of_type("aws_ecs_task_definition")
    }
    return {name: next(one for one in actual if one["name"] == name) for name, actual in definitions.items()}


@pytest.mark.parametrize("name", CONTAINERS)
def test_container_definitions_match_containers_yaml(lifecycle: Lifecycle, name: str) -> None:
    wanted, actual = CONTAINERS[name], containers(lifecycle.settled)[name]
    environment = {variable["name"]: variable["value"] for variable in actual["environment"]}
    fixed = wanted.get("environment", {})
    assert {key: environment.get(key) for key in fixed} == fixed
    assert sorted(environment) == sorted([*fixed, *wanted.get("environment_per_deployment", [])])
    assert [secret["name"] for secret in actual["secrets"]] == wanted.get("secrets", [])
    assert {port["name"]: port["containerPort"] for port in actual["portMappings"]} == wanted.get("ports", {})
    assert actual["stopTimeout"] == wanted["stop_timeout_seconds"]
    assert {mount["containerPath"] for mount in actual["mountPoints"] if not mount["readOnly"]} == set(
        wanted["writable"]
    )
    assert f"/{wanted['image']}@sha256:" in actual["image"]
    check = wanted.get("health_check")
    if name == "web":  # ECS checks liveness only; see the module stack
        check = [word.replace("/readyz", "/healthz") for word in wanted["health_check"]]
    assert actual.get("healthCheck", {}).get("command") == (check and ["CMD", *check])


def test_containers_are_unprivileged_and_have_a_read_only_root(lifecycle: Lifecycle) -> None:
    for name, actual in containers(lifecycle.settled).items():
        assert actual["user"] == "10001:10001"
        assert actual["readonlyRootFilesystem"] == (name != "tunnel")  # Session Manager's agent writes there
        assert actual["linuxParameters"]["capabilities"]["drop"] == ["ALL"]


def test_service_connect_balances_grpc_by_call(lifecycle: Lifecycle) -> None:
    actual = containers(lifecycle.settled)
    protocols = {
        (name, port["name"]): port.get("appProtocol")
        for name, actual in actual.items()
        for port in actual["portMappings"]
    }
    assert protocols["preprocess", "grpc"] == protocols["inference", "grpc"] == "grpc"
    names = {
        one["client_alias"][0]["dns_name"]: one["client_alias"][0]["port"]
        for service in lifecycle.settled.of_type("aws_ecs_service")
        for one in service["service_connect_configuration"][0]["service"]
    }
    assert names == {"preprocess": 50051, "inference": 50052, "mlflow": 5000}


def roles(plan: Plan) -> dict[str, Any]:
    return {
        f"{values['role'].removeprefix('verger-dev-')}/{values['name']}": json.loads(values["policy"])["Statement"]
        for values in plan.of_type("aws_iam_role_policy")
    }


def test_only_mlflow_and_the_trainer_may_use_the_bucket(lifecycle: Lifecycle) -> None:
    policies = roles(lifecycle.settled)
    assert sorted(name for name in policies if name.endswith("/bucket")) == [
        "mlflow-task/bucket",
        "trainer-task/bucket",
    ]
    resources = {
        name: {
            Path(statement["Resource"]).parts[-2:]
            for statement in policies[name]
            if "s3:GetObject" in statement["Action"]
        }
        for name in ("mlflow-task/bucket", "trainer-task/bucket")
    }
    assert resources == {"mlflow-task/bucket": {("artifacts", "*")}, "trainer-task/bucket": {("datasets", "*")}}
    assert "s3:PutObject" not in json.dumps(policies["trainer-task/bucket"])


def test_only_the_tunnel_takes_sessions(lifecycle: Lifecycle) -> None:
    names = [name for name, policy in roles(lifecycle.settled).items() if "ssmmessages" in json.dumps(policy)]
    assert names == ["tunnel-task/sessions"]
    assert not any(service["enable_execute_command"] for service in lifecycle.settled.of_type("aws_ecs_service"))


def test_only_mlflow_may_read_the_password(lifecycle: Lifecycle) -> None:
    readers = [
        name
        for name, policy in roles(lifecycle.settled).items()
        if "secretsmanager:GetSecretValue" in json.dumps(policy)
    ]
    assert readers == ["mlflow-execution/start"]
