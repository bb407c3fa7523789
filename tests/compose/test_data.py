"""What people have made survives the loss of all volumes, in a backup; of all containers: see test_launch.py."""

from pathlib import Path

from tests.support.composed import Composed
from tests.support.uploads import PHOTO


def of_project(verger: Composed, *kind: str) -> list[str]:
    """What the engine keeps for this project."""
    label = f"label=com.docker.compose.project={verger.project}"
    return verger.run("docker", *kind, "--quiet", "--filter", label).stdout.split()


def shell(verger: Composed, *lines: str) -> None:
    """Lines of the README, in the shell that people type them into."""
    done = verger.run("bash", "-euo", "pipefail", "-c", "\n".join(lines))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_backup_brings_back_what_was_removed_for_good(verger: Composed, tmp_path: Path) -> None:
    verger.remark("Saved from the fire.")
    registry, artifacts = tmp_path / "registry.dump", tmp_path / "artifacts.tar"
    shell(
        verger,
        f"docker compose exec -T database pg_dump -U mlflow -Fc mlflow > {registry}",
        f"docker compose exec -T mlflow tar -C /data -cf - artifacts > {artifacts}",
    )

    verger.compose("down", "--volumes")
    left = [
        thing for kind in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]) for thing in of_project(verger, *kind)
    ]

    shell(
        verger,
        "docker compose up -d --wait database",
        f"docker compose exec -T database pg_restore -U mlflow -d mlflow --clean --if-exists < {registry}",
        f"docker compose run --rm -T --no-deps --entrypoint tar mlflow -C /data -xf - < {artifacts}",
        "docker compose up -d --wait",
    )
    assert left == []
    assert verger.remark() == "Saved from the fire."
    answer = verger.classify(PHOTO)  # by the restored files: the cache went with the volumes
    assert answer.status_code == 200, answer.text
