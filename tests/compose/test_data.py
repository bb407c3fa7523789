"""What people have made survives the loss of all volumes, in a backup; of all containers: see test_launch.py."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.repository import ROOT
from tests.support.systems.composed import Composed
from tests.support.systems.uploads import PHOTO


def of_project(verger: Composed, *kind: str) -> list[str]:
    """What the engine keeps for this project."""
    label = f"label=com.docker.compose.project={verger.project}"
    return verger.run("docker", *kind, "--quiet", "--filter", label).stdout.split()


BACK_UP = (
    "docker compose exec -T database pg_dump -U mlflow -Fc mlflow > registry.dump",
    "docker compose exec -T mlflow tar -C /data -cf - artifacts > artifacts.tar",
)
RESTORE = (
    "docker compose up -d --wait database",
    "docker compose exec -T database pg_restore -U mlflow -d mlflow --clean --if-exists < registry.dump",
    "docker compose run --rm -T --no-deps --entrypoint tar mlflow -C /data -xf - < artifacts.tar",
    "docker compose up -d --wait",
)


@pytest.mark.parametrize("lines", [BACK_UP, RESTORE], ids=["back up", "restore"])
def test_this_is_what_the_readme_says(lines: Sequence[str]) -> None:
    assert "```bash\n" + "\n".join(lines) + "\n```" in (ROOT / "README.md").read_text(encoding="utf-8")


def shell(verger: Composed, folder: Path, lines: Sequence[str]) -> None:
    """Runs lines in the shell that people type them into, with the files of a backup in this folder."""
    script = re.sub(r"[<>] (?=\w)", rf"\g<0>{folder}/", "\n".join(lines))
    done = verger.run("bash", "-euo", "pipefail", "-c", script)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_backup_brings_back_what_was_removed_for_good(verger: Composed, tmp_path: Path) -> None:
    verger.description("Saved from the fire.")
    shell(verger, tmp_path, BACK_UP)

    verger.compose("down", "--volumes")
    left = [
        thing for kind in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]) for thing in of_project(verger, *kind)
    ]

    shell(verger, tmp_path, RESTORE)
    assert left == []
    assert verger.description() == "Saved from the fire."
    answer = verger.classify(PHOTO)  # by the restored files: the cache went with the volumes
    assert answer.status_code == 200, answer.text
