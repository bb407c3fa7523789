"""environments/dev: made from nothing by the scripts, looked at, planned to change, destroyed."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.aws.lifecycle import Life
from tests.support.aws.workspace import Plan
from tests.support.repository import ROOT

CONTAINERS: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / "terraform" / "modules" / "stack" / "containers.yaml").read_text()
)
SERVICES = ("inference", "mlflow", "preprocess", "web")
TASKS = (*SERVICES, "trainer")

pytestmark = pytest.mark.timeout(1800)  # the first test waits for the whole life; minutes, on a busy machine many


def test_deploying_ends_with_the_url(life: Life) -> None:
    assert "Release 1.0.0 runs in dev: https://fruits.example.org" in life.deployed
    assert "registrar runs as task" in life.deployed  # it fills the empty registry


def test_a_second_plan_changes_nothing(life: Life) -> None:
    assert life.settled.changes == {}
    assert len(life.settled.resources) > 150


def test_a_new_release_updates_in_place_and_changes_nothing_else(life: Life) -> None:
    """A task definition can't change: ECS gets a new revision, and the old one stays to go back to."""
    changes = life.update.changes
    revisions = {name for name in changes if name.endswith(".aws_ecs_task_definition.this")}
    assert len(revisions) == 6
    services = [f"module.verger.module.{name}.aws_ecs_service.this" for name in SERVICES]
    outputs = ["output.image_tag", "output.one_off_tasks", "output.service_definitions"]
    assert {name: changes[name] for name in changes.keys() - revisions} == {
        name: ["update"] for name in [*services, *outputs]
    }
    assert all(values["skip_destroy"] for values in life.update.of_type("aws_ecs_task_definition"))


def test_the_password_is_nowhere_in_the_state(life: Life) -> None:
    assert len(life.password) == 40
    assert "aws_db_instance" in life.state
    assert life.password not in life.state


def test_training_on_nothing_says_what_to_upload(life: Life) -> None:
    assert "There is nothing under s3://verger-dev-data-" in life.untrained
    assert "aws s3 sync FOLDER" in life.untrained


def test_destroying_leaves_images_and_states_only(life: Life) -> None:
    assert "dev is gone." in life.destroyed
    (bucket,) = life.left["buckets"]
    assert bucket.startswith("verger-terraform-")
    assert {kind: found for kind, found in life.left.items() if found} == {"buckets": [bucket]}


def arrows(plan: Plan) -> set[tuple[str, str, int]]:
    """Who may call whom on which port, as the rules of receivers say."""
    names = {group["id"]: group["name"].removeprefix("verger-dev-") for group in plan.of_type("aws_security_group")}
    return {
        (
            names.get(rule["referenced_security_group_id"], rule["cidr_ipv4"]),
            names[rule["security_group_id"]],
            rule["from_port"] if rule["from_port"] == rule["to_port"] else -1,
        )
        for rule in plan.of_type("aws_vpc_security_group_ingress_rule")
    }


def test_security_groups_are_the_arrows_of_the_design(life: Life) -> None:
    assert arrows(life.settled) == {
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


def test_nobody_may_send_more_than_others_may_receive(life: Life) -> None:
    plan = life.settled
    names = {group["id"]: group["name"].removeprefix("verger-dev-") for group in plan.of_type("aws_security_group")}
    rules = plan.of_type("aws_vpc_security_group_egress_rule")
    sent = {
        (names[rule["security_group_id"]], names[rule["referenced_security_group_id"]], rule["from_port"])
        for rule in rules
        if rule["referenced_security_group_id"]
    }
    assert sent == {arrow for arrow in arrows(plan) if arrow[0] != "0.0.0.0/0"}
    others = [rule for rule in rules if not rule["referenced_security_group_id"]]
    assert sorted(names[rule["security_group_id"]] for rule in others) == sorted(TASKS)
    assert all(rule["prefix_list_id"].startswith("pl-") and not rule["cidr_ipv4"] for rule in others)  # S3 alone


def test_only_the_load_balancer_knows_the_internet(life: Life) -> None:
    world = {address for address, values in life.settled.resources.items() if "0.0.0.0/0" in json.dumps(values)}
    network = "module.verger.module.network"
    assert world == {
        f'{network}.aws_vpc_security_group_ingress_rule.clients["http from 0.0.0.0/0"]',
        f'{network}.aws_vpc_security_group_ingress_rule.clients["https from 0.0.0.0/0"]',
        f'{network}.aws_security_group.this["load-balancer"]',  # the same two rules, read back
        f"{network}.aws_route.internet",
        f"{network}.aws_route_table.public",
    }
    assert not any(subnet["map_public_ip_on_launch"] for subnet in life.settled.of_type("aws_subnet"))


def containers(plan: Plan) -> dict[str, dict[str, Any]]:
    """What ECS is told of the container that a task is named after, by that name."""
    definitions = {
        values["family"].removeprefix("verger-dev-"): json.loads(values["container_definitions"])
        for values in plan.of_type("aws_ecs_task_definition")
    }
    return {name: next(one for one in told if one["name"] == name) for name, told in definitions.items()}


@pytest.mark.parametrize("name", CONTAINERS)
def test_ecs_is_told_what_containers_yaml_says(life: Life, name: str) -> None:
    wanted, told = CONTAINERS[name], containers(life.settled)[name]
    environment = {variable["name"]: variable["value"] for variable in told["environment"]}
    fixed = wanted.get("environment", {})
    assert {key: environment.get(key) for key in fixed} == fixed
    assert sorted(environment) == sorted([*fixed, *wanted.get("environment_per_home", [])])
    assert [secret["name"] for secret in told["secrets"]] == wanted.get("secrets", [])
    assert {port["name"]: port["containerPort"] for port in told["portMappings"]} == wanted.get("ports", {})
    assert told["stopTimeout"] == wanted["stop_timeout_seconds"]
    assert {mount["containerPath"] for mount in told["mountPoints"] if not mount["readOnly"]} == set(wanted["writable"])
    assert f"/{wanted['image']}@sha256:" in told["image"]
    check = wanted.get("health_check")
    if name == "web":  # alive is enough for ECS; see the module stack
        check = [word.replace("/readyz", "/healthz") for word in wanted["health_check"]]
    assert told.get("healthCheck", {}).get("command") == (check and ["CMD", *check])


def test_containers_run_as_nobody_and_can_write_nowhere_else(life: Life) -> None:
    for told in containers(life.settled).values():
        assert told["user"] == "10001:10001"
        assert told["readonlyRootFilesystem"]
        assert told["linuxParameters"]["capabilities"]["drop"] == ["ALL"]


def test_grpc_is_balanced_per_call(life: Life) -> None:
    told = containers(life.settled)
    protocols = {
        (name, port["name"]): port.get("appProtocol") for name, told in told.items() for port in told["portMappings"]
    }
    assert protocols["preprocess", "grpc"] == protocols["inference", "grpc"] == "grpc"
    names = {
        one["client_alias"][0]["dns_name"]: one["client_alias"][0]["port"]
        for service in life.settled.of_type("aws_ecs_service")
        for one in service["service_connect_configuration"][0]["service"]
    }
    assert names == {"preprocess": 50051, "inference": 50052, "mlflow": 5000}


def roles(plan: Plan) -> dict[str, Any]:
    return {
        f"{values['role'].removeprefix('verger-dev-')}/{values['name']}": json.loads(values["policy"])["Statement"]
        for values in plan.of_type("aws_iam_role_policy")
    }


def test_only_mlflow_and_the_trainer_reach_the_bucket(life: Life) -> None:
    policies = roles(life.settled)
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


def test_only_mlflow_gets_the_password(life: Life) -> None:
    readers = [
        name for name, policy in roles(life.settled).items() if "secretsmanager:GetSecretValue" in json.dumps(policy)
    ]
    assert readers == ["mlflow-execution/start"]
