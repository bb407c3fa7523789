"""What people have made survives: in volumes when the containers go, in a backup when the volumes go."""

from pathlib import Path

import httpx

from tests.support.composed import Composed
from tests.support.uploads import PHOTO

MODEL = "fruit-classifier"
REST = "api/2.0/mlflow"


def remark(verger: Composed, text: str | None = None) -> str:
    """The description of version 1 in the registry: what a person would have written there. `text` replaces it."""
    version = {"name": MODEL, "version": "1"}
    if text:
        changed = version | {"description": text}
        httpx.patch(f"{verger.mlflow}/{REST}/model-versions/update", json=changed, timeout=60).raise_for_status()
    found = httpx.get(f"{verger.mlflow}/{REST}/model-versions/get", params=version, timeout=60).raise_for_status()
    return str(found.json()["model_version"]["description"])


def of_project(verger: Composed, *kind: str) -> list[str]:
    """What the engine keeps for this project."""
    label = f"label=com.docker.compose.project={verger.project}"
    return verger.run("docker", *kind, "--quiet", "--filter", label).stdout.split()


def test_volumes_survive_down_and_up(verger: Composed) -> None:
    remark(verger, "The one from the fair.")
    before = verger.version()
    verger.compose("down")
    assert of_project(verger, "ps", "--all") == []
    verger.compose("up", "--detach", "--wait")
    assert verger.version() == before
    assert remark(verger) == "The one from the fair."


def shell(verger: Composed, *lines: str) -> None:
    """Lines of the README, in the shell that people type them into."""
    done = verger.run("bash", "-euo", "pipefail", "-c", "\n".join(lines))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_backup_brings_back_what_was_removed_for_good(verger: Composed, tmp_path: Path) -> None:
    remark(verger, "Saved from the fire.")
    registry, artifacts = tmp_path / "registry.dump", tmp_path / "artifacts.tar"
    shell(
        verger,
        f"docker compose exec -T database pg_dump -U mlflow -Fc mlflow > {registry}",
        f"docker compose exec -T mlflow tar -C /data -cf - artifacts > {artifacts}",
    )

    verger.compose("down", "--volumes")
    for kind in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        assert of_project(verger, *kind) == []

    shell(
        verger,
        "docker compose up -d --wait database",
        f"docker compose exec -T database pg_restore -U mlflow -d mlflow --clean --if-exists < {registry}",
        f"docker compose run --rm -T --no-deps --entrypoint tar mlflow -C /data -xf - < {artifacts}",
        "docker compose up -d --wait",
    )
    assert remark(verger) == "Saved from the fire."
    answer = verger.classify(PHOTO)  # by the restored files: the cache went with the volumes
    assert answer.status_code == 200, answer.text
