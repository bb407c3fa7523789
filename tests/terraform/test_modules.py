"""Every module is formatted, valid and described, and passes its own tests (tests/*.tftest.hcl)."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.aws.workspace import SEARCHED, Workspace, assert_success, missing
from tests.support.repository import ROOT

TERRAFORM = ROOT / "terraform"
MODULES = sorted(f"modules/{folder.name}" for folder in (TERRAFORM / "modules").iterdir())
ENVIRONMENTS = ("environments/dev", "environments/prod")
TESTED = (*MODULES, *ENVIRONMENTS)


def needs_aws(directory: str) -> bool:
    """Whether the tests need the emulator. Terraform can't mock a provider of ephemeral values."""
    return not all("mock_provider" in file.read_text() for file in (TERRAFORM / directory).glob("tests/*.tftest.hcl"))


def test_everything_is_formatted(detached: Workspace) -> None:
    assert_success(detached.terraform(".", "fmt", "-check", "-diff", "-recursive"))


@pytest.mark.parametrize("directory", ["bootstrap", *ENVIRONMENTS])
def test_configuration_is_valid(detached: Workspace, directory: str) -> None:
    """These three configurations call all modules."""
    detached.initialise(directory)
    assert_success(detached.terraform(directory, "validate"))


@pytest.mark.parametrize("directory", TESTED)
def test_module_passes_its_own_tests(request: pytest.FixtureRequest, directory: str) -> None:
    workspace: Workspace = request.getfixturevalue("attached" if needs_aws(directory) else "detached")
    workspace.initialise(directory)
    said = assert_success(workspace.terraform(directory, "test"))
    assert re.search(r"Success! [1-9]\d* passed, 0 failed\.", said), said


@pytest.mark.parametrize("directory", MODULES)
def test_module_has_the_usual_files(directory: str) -> None:
    folder = TERRAFORM / directory
    names = {file.name for file in folder.iterdir()}
    assert names >= {"main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md", "tests"}


@pytest.mark.parametrize("directory", [*TESTED, "bootstrap"])
def test_variables_and_outputs_have_descriptions(directory: str) -> None:
    """A variable also has a type, and a default or `nullable = false`."""
    folder = TERRAFORM / directory
    for name, body in blocks(folder / "variables.tf", "variable"):
        assert re.search(r"^  description +=", body, re.M), name
        assert re.search(r"^  type +=", body, re.M), name
        assert re.search(r"^  (nullable += false|default +=)", body, re.M), name
    for name, body in blocks(folder / "outputs.tf", "output"):
        assert re.search(r"^  description +=", body, re.M), name


def blocks(file: Path, kind: str) -> list[tuple[str, str]]:
    """Returns name and body of every block of a kind in a formatted file."""
    found = re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}', file.read_text(), re.M | re.S)
    assert len(found) == file.read_text().count(f'\n{kind} "') + file.read_text().startswith(f'{kind} "')
    return found


def test_environments_have_the_same_files_variables_and_outputs() -> None:
    dev, prod = ({file.name for file in (TERRAFORM / directory).glob("*.tf")} for directory in ENVIRONMENTS)
    assert dev == prod
    for name in ("variables.tf", "outputs.tf"):
        assert (TERRAFORM / ENVIRONMENTS[0] / name).read_text() == (TERRAFORM / ENVIRONMENTS[1] / name).read_text()


def test_shellcheck_finds_no_problem_in_the_scripts() -> None:
    if reason := missing("shellcheck"):
        pytest.skip(reason)
    folder = TERRAFORM / "scripts"
    command = [shutil.which("shellcheck", path=SEARCHED) or "", "--external-sources", *folder.glob("*.sh")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
