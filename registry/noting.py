"""Writes acts into MLflow; registry.acts says what they are."""

from contextlib import suppress
from dataclasses import replace
from socket import gethostname

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from engine.errors import VergerError
from engine.operator import operator_name
from registry.acts import DONE, MAX_ACTS, MAX_CHARACTERS, PREFIX, Act, Kind, new_act


class OpenAct:
    """An act that has begun."""

    is_over = False

    def __init__(self, client: MlflowClient, model: str, kind: Kind, subject: str) -> None:
        """Writes that the act begins, for a model that need not exist yet.

        Raises:
            MlflowException: MLflow does not take it.
        """
        self._client, self._model = client, model
        place = f"trainer on {gethostname()}"[:MAX_CHARACTERS]
        self._make_model()
        self._forget_old_acts()
        self._write(new_act(kind, operator_name(), place, subject[:MAX_CHARACTERS]))

    def move(self, alias: str, version: str) -> None:
        """Writes that an alias is about to move; an empty version stands for its end.

        Raises:
            MlflowException: MLflow does not take it, so the alias must stay.
        """
        self._write(self._act.with_move(alias, version))

    def end(self, result: str = DONE, subject: str | None = None) -> None:
        """Writes how the act has ended, and what it was done to if that was not known before.

        What is done is done: if MLflow does not take it, the audit says that the act has begun.
        """
        self.is_over = True
        with suppress(MlflowException):
            self._write(replace(self._act, result=result, subject=subject or self._act.subject))

    def _write(self, act: Act) -> None:
        self._act = act
        self._client.set_registered_model_tag(self._model, *act.tag())

    def _make_model(self) -> None:
        try:
            self._client.create_registered_model(self._model)
        except MlflowException as error:
            if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
                raise

    def _forget_old_acts(self) -> None:
        tags = self._client.get_registered_model(self._model).tags
        for key in sorted(key for key in tags if key.startswith(PREFIX))[: -(MAX_ACTS - 1)]:
            with suppress(MlflowException):  # somebody else has deleted it meanwhile
                self._client.delete_registered_model_tag(self._model, key)


def outcome_of(error: BaseException) -> str:
    """Returns how an act has ended that raised an error."""
    if isinstance(error, VergerError):
        return error.reason
    return "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
