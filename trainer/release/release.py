"""The released model: imports it into an empty registry, and replaces it with a registered version.

Needs mlflow-skinny only, because new installations import the release in the serving environment.
"""

import shutil
import tempfile
from pathlib import Path

from mlflow.store.artifact.models_artifact_repo import REGISTERED_MODEL_META_FILE_NAME

from engine.version import VersionDirectory, open_version
from registry.acts import Kind
from registry.aliases import CHAMPION
from registry.models import Registry, version_tags
from trainer.config import TrainerSettings
from trainer.release.card import CARD_FILE, write_card


def import_release(settings: TrainerSettings) -> str | None:
    """Registers the release as version 1 and champion; returns None if the registry has a version already.

    Raises:
        VersionUnknown, ModelCorrupt, ContractUnsupported: the release is missing or damaged; see open_version.
        RegistryUnavailable: MLflow does not answer within settings.mlflow_wait_seconds.
    """
    release = open_version(settings.release_dir)
    registry = Registry(settings.mlflow_url, settings.model_name)
    registry.wait(settings.mlflow_wait_seconds)
    versions = registry.versions()
    if versions and not _was_interrupted(registry, release):
        return None
    with registry.noting(Kind.IMPORT) as act:
        if versions:
            version = str(versions[0].version)
        else:
            tags = version_tags(release, gate="passed", reason="Imported release.")
            version = registry.register(release.path, tags, settings.experiment_name, run_id=None)
        registry.promote(version)
        act.end(subject=f"version {version}")
    return version


def _was_interrupted(registry: Registry, release: VersionDirectory) -> bool:
    """Returns whether an earlier import ended between registering the release and making it champion."""
    only = registry.versions()
    return len(only) == 1 and only[0].tags.get("digest") == release.digest and CHAMPION not in registry.aliases()


def write_release(version: str, settings: TrainerSettings) -> VersionDirectory:
    """Replaces the released model with a registered version. The model card keeps its text and gets new figures.

    Raises:
        VersionUnknown: there is no such version.
        ModelCorrupt, ContractUnsupported: see open_version.
        RegistryUnavailable: MLflow does not answer.
    """
    registry = Registry(settings.mlflow_url, settings.model_name)
    registry.wait()
    target = settings.release_dir
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        staged = Path(folder) / target.name
        registry.download(f"models:/{registry.name}/{version}/", staged)
        (staged / REGISTERED_MODEL_META_FILE_NAME).unlink(missing_ok=True)  # MLflow adds this file to downloads
        release = open_version(staged)
        write_card(target / CARD_FILE, staged / CARD_FILE, release, registry.record_of(version))
        if target.exists():
            shutil.rmtree(target)
        staged.rename(target)
    return open_version(target)
