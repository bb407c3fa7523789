"""Importing and writing the released model, with a real registry."""

import shutil
from pathlib import Path
from threading import Timer

import pytest

from engine.errors import ModelCorrupt, VersionUnknown
from engine.version import open_version
from registry.aliases import CHAMPION
from registry.errors import RegistryUnavailable
from registry.models import Registry, version_tags
from tests.support.servers.mlflow_server import MlflowServer, free_port
from tests.support.tiny_model import tiny_version
from tests.support.trainer.evaluations import evaluation
from trainer.config import TrainerSettings
from trainer.release.release import import_release, write_release


@pytest.fixture
def settings(mlflow_server: MlflowServer, tmp_path: Path, request: pytest.FixtureRequest) -> TrainerSettings:
    """A release directory and a registered model for this test."""
    tiny_version(tmp_path / "release")
    evaluation().write(tmp_path / "release" / "evaluation.json")
    return TrainerSettings(mlflow_url=mlflow_server.url, model_name=request.node.name, release_dir=tmp_path / "release")


def registry_of(settings: TrainerSettings) -> Registry:
    return Registry(settings.mlflow_url, settings.model_name)


def test_an_empty_registry_gets_the_release_as_champion(settings: TrainerSettings) -> None:
    assert import_release(settings) == "1"
    registry = registry_of(settings)
    assert registry.aliases() == {CHAMPION: "1"}
    assert registry.versions()[0].tags["digest"] == open_version(settings.release_dir).digest


def test_a_second_import_does_nothing(settings: TrainerSettings) -> None:
    import_release(settings)
    assert import_release(settings) is None
    assert len(registry_of(settings).versions()) == 1


def test_a_registry_with_versions_is_left_unchanged(settings: TrainerSettings, tmp_path: Path) -> None:
    registry_of(settings).register(tiny_version(tmp_path / "own", gain=3), {}, "release tests")
    assert import_release(settings) is None
    assert registry_of(settings).aliases() == {}


def test_an_interrupted_import_is_completed(settings: TrainerSettings) -> None:
    release = open_version(settings.release_dir)
    registry_of(settings).register(release.path, version_tags(release, "passed", ""), "release tests")
    assert import_release(settings) == "1"
    assert registry_of(settings).aliases() == {CHAMPION: "1"}
    assert len(registry_of(settings).versions()) == 1


def test_a_damaged_or_missing_release_is_refused(settings: TrainerSettings) -> None:
    (settings.release_dir / "model.onnx").write_bytes(b"cut off")
    with pytest.raises(ModelCorrupt, match="differs from its digest"):
        import_release(settings)
    shutil.rmtree(settings.release_dir)
    with pytest.raises(VersionUnknown):
        import_release(settings)
    assert registry_of(settings).versions() == []


def test_the_import_waits_for_mlflow_to_start(tmp_path: Path) -> None:
    (tmp_path / "mlflow").mkdir()
    server = MlflowServer(tmp_path / "mlflow")
    settings = TrainerSettings(
        mlflow_url=server.url, release_dir=tiny_version(tmp_path / "release"), mlflow_wait_seconds=120
    )
    starting = Timer(2, server.start)
    starting.start()
    try:
        assert import_release(settings) == "1"
    finally:
        starting.join()
        server.stop()


def test_the_import_stops_waiting_after_its_timeout(tmp_path: Path) -> None:
    settings = TrainerSettings(
        mlflow_url=f"http://127.0.0.1:{free_port()}",
        release_dir=tiny_version(tmp_path / "release"),
        mlflow_wait_seconds=0.5,
    )
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        import_release(settings)


def test_a_registered_version_becomes_the_release(settings: TrainerSettings, tmp_path: Path) -> None:
    own = tiny_version(tmp_path / "own", gain=3)
    evaluation().write(own / "evaluation.json")
    version = registry_of(settings).register(own, {}, "release tests")
    (settings.release_dir / "MODEL_CARD.md").write_text("# Ours\n")
    (settings.release_dir / "left over.txt").write_text("from the release before")
    written = write_release(version, settings)
    assert written.digest == open_version(own).digest
    card = (settings.release_dir / "MODEL_CARD.md").read_text()
    assert card.startswith("# Ours\n")
    assert "| accuracy | 0.7500 |" in card
    files = {"MODEL_CARD.md", "contract.json", "evaluation.json", "model.onnx"}
    assert {path.name for path in settings.release_dir.iterdir()} == files
    assert [path.name for path in settings.release_dir.parent.iterdir() if path.name.startswith("tmp")] == []


def test_an_unknown_version_leaves_the_release_as_it_is(settings: TrainerSettings) -> None:
    before = open_version(settings.release_dir).digest
    with pytest.raises(VersionUnknown):
        write_release("9", settings)
    assert open_version(settings.release_dir).digest == before
