"""Adds features to moto that Terraform's provider and the scripts need.

Some additions only return what was sent: subscribers and tags of budgets, tags of scalable targets, descriptions of
security group rules, Performance Insights, and the fields of ECS services below. For these, a plan without changes only
shows that Terraform is consistent with itself.
"""

import contextlib
import json
from collections.abc import Callable
from typing import Any


def fill_gaps() -> None:
    """Patches the classes of moto. Call it once before moto serves."""
    from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
    from moto.budgets.responses import BudgetsResponse
    from moto.ec2.models.security_groups import SecurityGroupRule
    from moto.ecs.models import EC2ContainerServiceBackend
    from moto.ecs.responses import EC2ContainerServiceResponse
    from moto.rds.models import RDSBackend
    from moto.rds.responses import RDSResponse
    from moto.s3.models import FakeBucket
    from moto.ssm.responses import SimpleSystemManagerResponse

    _bucket_policies_are_not_enforced(FakeBucket)
    _budgets_return_subscribers_and_tags(BudgetsResponse)
    _database_parameters_have_a_source(RDSBackend)
    _databases_store_performance_insights(RDSResponse)
    _rules_of_groups_have_descriptions(SecurityGroupRule)
    _scalable_targets_have_tags(ApplicationAutoScalingResponse)
    _services_store_fields_and_run(EC2ContainerServiceResponse)
    _sessions_can_be_started(SimpleSystemManagerResponse)
    _tasks_end_at_once(EC2ContainerServiceBackend, EC2ContainerServiceResponse)


def _bucket_policies_are_not_enforced(bucket: Any) -> None:
    """moto ignores conditions, so it would treat "denied without TLS" as denied."""
    from moto.iam.access_control import PermissionResult

    bucket.get_permission = lambda self, action, resource: PermissionResult.NEUTRAL


def _budgets_return_subscribers_and_tags(responses: Any) -> None:
    tags: dict[str, list[dict[str, str]]] = {}
    create = responses.create_budget

    def create_budget(self: Any) -> str:
        tags[self._get_param("Budget")["BudgetName"]] = self._get_param("ResourceTags") or []
        return str(create(self))

    def list_tags_for_resource(self: Any) -> str:
        return json.dumps({"ResourceTags": tags.get(self._get_param("ResourceARN").split("/")[-1], [])})

    def describe_subscribers_for_notification(self: Any) -> str:
        budget = self.backend.budgets[self._get_param("AccountId")][self._get_param("BudgetName")]
        wanted = self._get_param("Notification")
        found = [entry.subscribers for entry in budget.notifications if _same(entry.details, wanted)]
        return json.dumps({"Subscribers": found[0] if found else []})

    responses.create_budget = create_budget
    responses.list_tags_for_resource = list_tags_for_resource
    responses.describe_subscribers_for_notification = describe_subscribers_for_notification


def _same(notification: dict[str, Any], wanted: dict[str, Any]) -> bool:
    keys = ("NotificationType", "ComparisonOperator", "Threshold")
    return all(notification[key] == wanted[key] for key in keys)


def _database_parameters_have_a_source(backend: Any) -> None:
    """The provider reads only parameters whose source is the user."""
    modify = backend.modify_db_parameter_group

    def modify_db_parameter_group(self: Any, name: str, parameters: list[dict[str, Any]]) -> Any:
        return modify(self, name, [{"Source": "user", **parameter} for parameter in parameters])

    backend.modify_db_parameter_group = modify_db_parameter_group


def _databases_store_performance_insights(responses: Any) -> None:
    create = responses.create_db_instance
    remembered = ("EnablePerformanceInsights", "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod")
    attributes = (
        "performance_insights_enabled",
        "performance_insights_kms_key_id",
        "performance_insights_retention_period",
    )

    def create_db_instance(self: Any) -> Any:
        answer, sent = create(self), self.params
        database = self.backend.databases[sent["DBInstanceIdentifier"]]
        for name, attribute in zip(remembered, attributes, strict=True):
            setattr(database, attribute, sent.get(name))
        return answer

    responses.create_db_instance = create_db_instance


def _rules_of_groups_have_descriptions(rule: Any) -> None:
    """moto stores the description only for rules with addresses."""
    init = rule.__init__

    def __init__(self: Any, *args: Any, **given: Any) -> None:
        init(self, *args, **given)
        sources = [value for value in (*args, *given.values()) if isinstance(value, dict)]
        self.stored_description = next((source["Description"] for source in sources if "Description" in source), None)

    rule.__init__ = __init__
    rule.description = property(lambda self: self.stored_description)


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


def _services_store_fields_and_run(responses: Any) -> None:
    """Services store these fields, and all their tasks run at once."""
    remembered = {
        "availabilityZoneRebalancing": "availability_zone_rebalancing",
        "capacityProviderStrategy": "capacity_provider_strategy",
        "deploymentConfiguration": "deployment_configuration",
        "enableECSManagedTags": "enable_ecs_managed_tags",
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


def _tasks_end_at_once(backend: Any, responses: Any) -> None:
    """One-off tasks have succeeded when they are first described. One that takes sessions runs until it is stopped."""
    from moto.moto_api import state_manager

    describe, stop, run = backend.describe_tasks, backend.stop_task, responses.run_task

    def run_task(self: Any) -> Any:
        answer = run(self)
        if self._get_param("enableExecuteCommand"):
            for task in answer.result["tasks"]:
                task.takes_sessions = True
                task.containers[0].runtime_id = f"{task.id}-1"
                task.containers[0].managed_agents = [{"name": "ExecuteCommandAgent", "lastStatus": "RUNNING"}]
        return answer

    def describe_tasks(self: Any, cluster: str, tasks: list[str]) -> Any:
        found = describe(self, cluster, tasks)
        for task in found:
            if not hasattr(task, "takes_sessions") or task.desired_status == "STOPPED":
                _end(task)
        return found

    def stop_task(self: Any, *arguments: Any) -> Any:
        task = stop(self, *arguments)
        _end(task)
        return task

    responses.run_task, backend.describe_tasks, backend.stop_task = run_task, describe_tasks, stop_task
    # moto would let every task end a little more whenever it is looked at.
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1_000_000})
    # moto calculates the resources of an instance before it checks whether the task runs on one.
    backend._calculate_task_resource_requirements = lambda self, task_definition: {}


def _end(task: Any) -> None:
    """A task that has ended has no network interface."""
    task.last_status = "STOPPED"
    for detail in task.attachments[0]["details"]:
        if detail["name"] == "networkInterfaceId":
            with contextlib.suppress(Exception):  # an earlier call has deleted it
                _ec2_of(task).delete_network_interface(detail["value"])


def _sessions_can_be_started(responses: Any) -> None:
    """The AWS CLI hands the answer to its plugin for sessions, for which the tests have a stand-in."""
    responses.start_session = lambda self: json.dumps({"SessionId": "s", "TokenValue": "t", "StreamUrl": "wss://s"})


def _ec2_of(task: Any) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[task._account_id][task.region_name]
