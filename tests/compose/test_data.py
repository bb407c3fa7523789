"""A backup restores all data after the loss of all volumes. test_launch.py covers the loss of all containers."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.repository import ROOT
from tests.support.systems.composed import Composed
from tests.support.systems.uploads import PHOTO


def of_project(verger: Composed, *kind: str) -> list[str]:
    """Returns the ids of the project's containers, volumes or networks."""
    label = f"label=com.docker.compose.project={verger.project}"
    return verger.run("docker", *kind, "--quiet", "--filter", label).stdout.split()


DELETE_EVERYTHING = ("docker compose down --volumes",)
BACK_UP = (
    "docker compose exec -T database pg_dump -U mlflow -Fc mlflow > registry.dump",
    "docker compose exec -T mlflow tar -C /data -cf - artifacts > artifacts.tar",
    "docker compose exec -T database pg_dump -U mlflow -Fc collection > collection.dump",
    "docker compose exec -T collection tar -C /var/lib/verger/collection -cf - images thumbnails > photos.tar",
)
RESTORE = (
    "docker compose up -d --wait database",
    "docker compose exec -T database pg_restore -U mlflow -d mlflow --clean --if-exists < registry.dump",
    "docker compose run --rm -T --no-deps --entrypoint tar mlflow -C /data -xf - < artifacts.tar",
    "docker compose run --rm collection-database",
    "docker compose exec -T database pg_restore -U mlflow -d collection --clean --if-exists < collection.dump",
    "docker compose run --rm -T --no-deps --entrypoint tar collection -C /var/lib/verger/collection -xf - < photos.tar",
    "docker compose up -d --wait",
)


@pytest.mark.parametrize("lines", [BACK_UP, RESTORE], ids=["back up", "restore"])
def test_the_documentation_gives_these_commands(lines: Sequence[str]) -> None:
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md")]
    block = "```bash\n" + "\n".join(lines) + "\n```"
    assert any(block in page.read_text(encoding="utf-8") for page in pages)


def shell(verger: Composed, folder: Path, lines: Sequence[str]) -> None:
    """Runs commands in bash with the files of a backup in `folder`."""
    script = re.sub(r"[<>] (?=\w)", rf"\g<0>{folder}/", "\n".join(lines))
    done = verger.run("bash", "-euo", "pipefail", "-c", script)
    assert done.returncode == 0, done.stdout + done.stderr


def collection(verger: Composed, folder: Path, *arguments: str) -> str:
    """Runs a command of the collection with a folder that has one class."""
    (folder / "shapes" / "kiwi").mkdir(parents=True, exist_ok=True)
    (folder / "shapes" / "kiwi" / "photo.jpg").write_bytes(PHOTO)
    for each in (folder, folder / "shapes", folder / "shapes" / "kiwi"):
        each.chmod(0o755)  # because it runs as another user
    mount = f"{folder / 'shapes'}:/data:ro"
    done = verger.run("docker", "compose", "run", "--rm", "-T", "-v", mount, "collection", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_backup_restores_deleted_data(verger: Composed, tmp_path: Path) -> None:
    verger.description("A description.")
    kept = collection(verger, tmp_path, "import", "/data", "--classifier", "saved")
    assert kept.startswith("1 photos are new")
    shell(verger, tmp_path, BACK_UP)

    assert verger.run("docker", "volume", "inspect", f"{verger.project}_trainer").returncode == 0
    shell(verger, tmp_path, DELETE_EVERYTHING)
    left = [
        thing for kind in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]) for thing in of_project(verger, *kind)
    ]

    shell(verger, tmp_path, RESTORE)
    assert left == []
    assert verger.description() == "A description."
    kept = collection(verger, tmp_path, "import", "/data", "--classifier", "saved")
    assert kept.endswith(" 1 were there already.\n")
    answer = verger.classify(PHOTO)  # uses the restored files, because the cache was deleted with the volumes
    assert answer.status_code == 200, answer.text
