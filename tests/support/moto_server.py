"""moto, which stands in for AWS, and what Terraform's provider and the scripts ask for that moto lacks.

    python -m tests.support.moto_server PORT     serves on loopback until it is killed

moto keeps what it is told and hands it back. It runs no task and no database, and enforces no policy. Where a gap is
filled below by echoing what was sent, a plan without changes proves that Terraform is at peace with itself, no more.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.common.health import problem_with
from tests.support.mlflow_server import free_port
from tests.support.waiting import wait_until

REGION = "eu-west-3"


@dataclass(frozen=True)
class MotoServer:
    """A running emulator."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What makes Terraform, the AWS CLI and boto3 talk to it, and to nobody else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_PAGER": "",
        }


@contextmanager
def running_moto(log: Path) -> Iterator[MotoServer]:
    """An empty AWS account for the length of a block."""
    port = free_port()
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", __name__, str(port)], stdout=file, stderr=file)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: problem_with(f"{url}/moto-api/") is None, seconds=120, what="moto")
        yield MotoServer(url)
    finally:
        process.kill()
        process.wait()


def _fill_gaps() -> None:
    from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
    from moto.budgets.responses import BudgetsResponse
    from moto.ecs.models import EC2ContainerServiceBackend
    from moto.ecs.responses import EC2ContainerServiceResponse
    from moto.rds.models import RDSBackend

    _budgets_tell_subscribers(BudgetsResponse)
    _database_parameters_have_a_source(RDSBackend)
    _scalable_targets_have_tags(ApplicationAutoScalingResponse)
    _services_remember_and_run(EC2ContainerServiceResponse)
    _tasks_end_at_once(EC2ContainerServiceBackend)


def _budgets_tell_subscribers(responses: Any) -> None:
    def describe_subscribers_for_notification(self: Any) -> str:
        budget = self.backend.budgets[self._get_param("AccountId")][self._get_param("BudgetName")]
        wanted = self._get_param("Notification")
        found = [entry.subscribers for entry in budget.notifications if _same(entry.details, wanted)]
        return json.dumps({"Subscribers": found[0] if found else []})

    responses.describe_subscribers_for_notification = describe_subscribers_for_notification


def _same(notification: dict[str, Any], wanted: dict[str, Any]) -> bool:
    keys = ("NotificationType", "ComparisonOperator", "Threshold")
    return all(notification[key] == wanted[key] for key in keys)


def _database_parameters_have_a_source(backend: Any) -> None:
    """The provider reads only those parameters back whose source is the user."""
    modify = backend.modify_db_parameter_group

    def modify_db_parameter_group(self: Any, name: str, parameters: list[dict[str, Any]]) -> Any:
        return modify(self, name, [{"Source": "user", **parameter} for parameter in parameters])

    backend.modify_db_parameter_group = modify_db_parameter_group


def _scalable_targets_have_tags(responses: Any) -> None:
    tags: dict[str, dict[str, str]] = {}
    register = responses.register_scalable_target

    def register_scalable_target(self: Any) -> Any:
        answer, sent = register(self), json.loads(self.body)
        targets = self.applicationautoscaling_backend.describe_scalable_targets(
            namespace=sent["ServiceNamespace"], r_ids=[sent["ResourceId"]], dimension=sent["ScalableDimension"]
        )
        tags.setdefault(targets[0].arn, {}).update(sent.get("Tags", {}))
        return answer

    def list_tags_for_resource(self: Any) -> str:
        return json.dumps({"Tags": tags.get(json.loads(self.body)["ResourceARN"], {})})

    responses.register_scalable_target = register_scalable_target
    responses.list_tags_for_resource = list_tags_for_resource


def _services_remember_and_run(responses: Any) -> None:
    """Services keep what they were told, and all of their tasks run at once."""
    remembered = {
        "availabilityZoneRebalancing": "availability_zone_rebalancing",
        "capacityProviderStrategy": "capacity_provider_strategy",
        "deploymentConfiguration": "deployment_configuration",
        "healthCheckGracePeriodSeconds": "health_check_grace_period_seconds",
    }

    def remembering(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def wrapped(self: Any) -> Any:
            answer = call(self)
            name = self._get_param("serviceName") or self._get_param("service")
            services, _ = self.ecs_backend.describe_services(self._get_param("cluster"), [name])
            for sent, attribute in remembered.items():
                if (value := self._get_param(sent)) is not None:
                    setattr(services[0], attribute, value)
            _run(services[0])
            return answer

        return wrapped

    responses.create_service = remembering(responses.create_service)
    responses.update_service = remembering(responses.update_service)


def _run(service: Any) -> None:
    service.running_count, service.pending_count = service.desired_count, 0
    for deployment in service.deployments:
        deployment.update(runningCount=service.desired_count, pendingCount=0, rolloutState="COMPLETED")


def _tasks_end_at_once(backend: Any) -> None:
    """One-off tasks have succeeded by the time that somebody looks, and leave no network interface behind."""
    describe = backend.describe_tasks

    def describe_tasks(self: Any, cluster: str, tasks: list[str]) -> Any:
        found = describe(self, cluster, tasks)
        for task in found:
            task.last_status = "STOPPED"
            for detail in task.attachments[0]["details"]:
                if detail["name"] == "networkInterfaceId":
                    with contextlib.suppress(Exception):  # it is gone since somebody looked before
                        _ec2_of(task).delete_network_interface(detail["value"])
        return found

    backend.describe_tasks = describe_tasks


def _ec2_of(task: Any) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[task._account_id][task.region_name]


def main() -> None:
    """Serves until it is killed."""
    from moto.server import main as serve

    _fill_gaps()
    serve(["-H", "127.0.0.1", "-p", sys.argv[1]])


if __name__ == "__main__":
    main()
