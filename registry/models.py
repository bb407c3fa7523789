"""Registers model versions in MLflow and moves their aliases; registry.aliases explains them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path

import mlflow
from mlflow.entities import LoggedModelOutput, LoggedModelStatus

from engine.errors import VersionUnknown
from engine.version import VersionDirectory
from registry.acts import DONE, Kind
from registry.aliases import CHALLENGER, CHAMPION, PREVIOUS
from registry.noting import OpenAct, outcome_of
from registry.reader import RegistryReader

TAGGED_METRICS = ("images", "expected_calibration_error", "unsure_share", "refused_share")
"""Test metrics that the tags of a version repeat, beside the accuracy."""


class Registry(RegistryReader):
    """One registered model in one MLflow server, for reading and writing."""

    _act: OpenAct | None = None

    @contextmanager
    def noting(self, kind: Kind, subject: str = "") -> Iterator[OpenAct]:
        """Notes in MLflow what a block does and who runs it, for the audit: before the block begins, each alias that it
        moves, and how it ended. The block may end the act itself.

        Raises:
            RegistryUnavailable: MLflow does not take the act, so the block does not begin.
        """
        with self._mlflow_errors():
            act = self._act = OpenAct(self._client, self.name, kind, subject)
        result = DONE
        try:
            yield act
        except BaseException as error:
            result = outcome_of(error)
            raise
        finally:
            self._act = None
            if not act.is_over:
                act.end(result)

    def experiment_id(self, name: str) -> str:
        """Returns the experiment of this name, and creates it if there is none."""
        with self._mlflow_errors():
            found = self._client.get_experiment_by_name(name)
            # The tag makes MLflow's pages open with training runs instead of conversations of language models.
            tags = {"mlflow.experimentKind": "custom_model_development"}
            return str(found.experiment_id if found else self._client.create_experiment(name, tags=tags))

    def register(
        self,
        directory: Path,
        tags: Mapping[str, str],
        experiment_name: str,
        run_id: str | None = None,
        metrics: Mapping[str, float] | None = None,
        description: str = "",
    ) -> str:
        """Uploads a version's directory and adds it to the registry; returns its version number.

        The version is created last, so a failure leaves none.

        Args:
            run_id: run that made the version.
            metrics: test metrics, which MLflow shows beside run and model.
            description: what MLflow shows with the version, in Markdown.
        """
        with self._mlflow_errors():
            model_id = self._upload(directory, experiment_name, run_id)
            if run_id:
                self._client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
                for name, value in (metrics or {}).items():
                    self._client.log_metric(run_id, f"test_{name}", value, model_id=model_id)
            with redirect_stderr(StringIO()):  # MLflow prints what the caller reports
                version = mlflow.register_model(f"models:/{model_id}", self.name, tags=dict(tags))
            self._client.update_model_version(self.name, version.version, description)
        return str(version.version)

    def _upload(self, directory: Path, experiment_name: str, run_id: str | None) -> str:
        model = self._client.create_logged_model(
            self.experiment_id(experiment_name),
            name=self.name,
            source_run_id=run_id,
            params=self._client.get_run(run_id).data.params if run_id else None,
            model_type="classifier",
        )
        status = LoggedModelStatus.FAILED
        try:
            self._client.log_model_artifacts(model.model_id, str(directory))
            status = LoggedModelStatus.READY
        finally:
            self._client.finalize_logged_model(model.model_id, status)
        return str(model.model_id)

    def promote(self, version: str) -> str | None:
        """Makes a version champion; returns the champion before, which becomes `previous`.

        Raises:
            VersionUnknown: there is no such version.
        """
        self._require(version)
        aliases = self.aliases()
        before = aliases.get(CHAMPION)
        with self._mlflow_errors():
            if before and before != version:
                self._move(PREVIOUS, before)
            self._move(CHAMPION, version)  # now the version is live
            if aliases.get(CHALLENGER) == version:
                self._note_move(CHALLENGER, "")
                self._client.delete_registered_model_alias(self.name, CHALLENGER)
        return before

    def challenge(self, version: str) -> None:
        """Makes a version challenger."""
        with self._mlflow_errors():
            self._move(CHALLENGER, version)

    def _move(self, alias: str, version: str) -> None:
        self._note_move(alias, version)
        self._client.set_registered_model_alias(self.name, alias, version)

    def _note_move(self, alias: str, version: str) -> None:
        if self._act:
            self._act.move(alias, version)

    def rollback(self) -> tuple[str, str]:
        """Makes the previous champion champion again; returns the numbers of the old and the new champion.

        Raises:
            VersionUnknown: there is no previous champion.
        """
        aliases = self.aliases()
        champion, previous = aliases.get(CHAMPION), aliases.get(PREVIOUS)
        if champion is None or previous is None:
            raise VersionUnknown(f"{self.name} has no previous champion to go back to. See `promote`.")
        self.promote(previous)
        return champion, previous


def version_tags(version: VersionDirectory, gate: str, reason: str) -> dict[str, str]:
    """Returns the tags that MLflow shows beside a version.

    Args:
        gate: "passed" or "failed".
        reason: a sentence for people.
    """
    metrics = version.contract.provenance.test_metrics
    return {
        "digest": version.digest,
        "accuracy": f"{metrics['accuracy']:.4f}" if "accuracy" in metrics else "unknown",
        **{name: f"{metrics[name]:.4g}" for name in TAGGED_METRICS if name in metrics},
        "gate": gate,
        "gate_reason": reason,
    }
