"""The documents' recipes, run as they are printed, in a checkout of their own: only ports are replaced."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.conformance.clients import SECONDS, TRITONCLIENT
from tests.support.documents.recipes import DOCUMENTS, Block, blocks_of, covered_commands
from tests.support.own_environment import run_apart
from tests.support.pictures.fruits import copy_few_fruits
from tests.support.repository import ROOT
from tests.support.systems.launched import Launched
from tests.support.trainer.shapes import LABELS, write_parts
from tests.support.waiting import wait_until

HERE = "tests/e2e/test_documents.py::test_a_recipe_works_as_printed"
SAMPLES = ROOT / "services" / "web" / "page" / "static" / "samples"
PORTS = {
    "8000": "VERGER_WEB_PORT",
    "50051": "VERGER_PREPROCESS_PORT",
    "50052": "VERGER_INFERENCE_PORT",
    "9101": "VERGER_PREPROCESS_METRICS_PORT",
    "9102": "VERGER_INFERENCE_METRICS_PORT",
}


def is_recipe(block: Block) -> bool:
    return block.language in ("python", "js") or HERE in {covered_commands().get(command) for command in block.commands}


BLOCKS = [  # tests/docs holds that those of the French twins are the same
    block
    for document in DOCUMENTS
    if not document.name.endswith(".fr.md")
    for block in blocks_of(document, "bash", "python", "js")
    if is_recipe(block)
]
RECIPES = [block for block in BLOCKS if not any(block.code in other.code for other in BLOCKS if other is not block)]


class Checkout(Launched):
    """A folder that looks like the repository, with people's pictures, and a system of its own."""

    @property
    def folder(self) -> Path:
        return self.home.parent

    def run(self, block: Block) -> str:
        """Runs a block to its end; returns what it wrote."""
        code = re.sub(r"localhost:(\d+)", lambda match: f"localhost:{self.ports[PORTS[match[1]]]}", block.code)
        runners = {
            "bash": ["bash", "-euo", "pipefail", "-O", "expand_aliases", "-c"],
            "python": [sys.executable, "-c"],
            "js": ["node", "--input-type=module", "-e"],
        }
        variables = {
            "HOME": str(self.folder),
            "PATH": f"{self.folder / 'bin'}:{self.environment['PATH']}",
            "VERGER_MLFLOW_URL": self.mlflow,
            "PYTHONPATH": str(ROOT / "client"),
            "VERGER_SERVER": f"localhost:{self.ports[PORTS['50051']]}",
        }
        if "import tritonclient" in code:
            done = run_apart(TRITONCLIENT, "python", "-c", code, cwd=self.folder, seconds=SECONDS)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout
        done = subprocess.run(
            [*runners[block.language], code],
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=1700,
            start_new_session=True,  # as in Launched.launch
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def checkout(verger: Launched, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Shares the environments of the launched system, to save the minutes of their set-up."""
    folder = tmp_path_factory.mktemp("checkout")
    for path in ROOT.iterdir():
        if path.name not in (".verger", ".env"):
            (folder / path.name).symlink_to(path)
    system = Checkout(folder / ".verger")
    system.home.mkdir()
    (system.home / "env").symlink_to(verger.home / "env")
    Image.open(SAMPLES / "mango.webp").convert("RGB").save(folder / "photo.jpg")
    (folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")  # an HTTP error ends a recipe
    (folder / "bin").mkdir()
    commands = {"grpcurl": f'"{ROOT}/tests/support/documents/grpcurl.py"', "verger": "-m verger_client"}
    for name, program in commands.items():
        command = folder / "bin" / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {program} "$@"\n')
        command.chmod(0o755)
    yield system
    system.launch("--stop")


@pytest.fixture(scope="module")
def pictures(checkout: Checkout, request: pytest.FixtureRequest) -> None:
    """~/pictures, with a few photographs of fruits and of other things, and shapes that pass for flowers."""
    photo_data: Path = request.getfixturevalue("photo_data")
    home = checkout.folder / "pictures"
    copy_few_fruits(photo_data, home / "fruits", train=3, test=1)
    shutil.copytree(home / "fruits" / "test", home / "market")
    (home / "other").mkdir()
    for picture in sorted((photo_data / "negatives" / "test").iterdir())[::10]:
        shutil.copy(picture, home / "other")
    write_parts(home / "flowers", train=8, test=3)


@pytest.mark.timeout(1800)  # three trainings, one of them of the whole network
@pytest.mark.parametrize("block", RECIPES, ids=lambda block: f"{block.document.stem}-{block.code.split(maxsplit=1)[0]}")
def test_a_recipe_works_as_printed(checkout: Checkout, request: pytest.FixtureRequest, block: Block) -> None:
    if "curl " in block.code and not shutil.which("curl"):
        pytest.skip("no curl")
    if block.language == "js" and not shutil.which("node"):
        pytest.skip("no node")
    if "~/pictures" in block.code:
        request.getfixturevalue("pictures")
    if block.language == "bash":
        assert {covered_commands().get(command) for command in block.commands} == {HERE}, "all of a block, or nothing"
    started = checkout.launch("--detach")
    assert started.returncode == 0, started.stdout + started.stderr
    written = checkout.run(block)
    if "banana.jpg" in block.code or "classify_many" in block.code:
        assert "banana" in written
        assert '"error":{' not in written
    if "VERGER_MODEL_NAME" in block.code:
        flower = checkout.folder / "pictures" / "flowers" / "test" / LABELS[0] / "1000.png"
        wait_until(lambda: checkout.version() == "1", 30, "the own classes going live")
        answer = checkout.answer(flower.read_bytes())
        assert sorted(prediction["label"] for prediction in answer["predictions"]) == sorted(LABELS)


def form(value: Any) -> Any:
    """The keys of parsed JSON; of a list, those of its first item."""
    if isinstance(value, dict):
        return {key: form(inner) for key, inner in value.items()}
    return [form(value[0])] if isinstance(value, list) else type(value)


def test_an_answer_has_the_printed_form(verger: Launched) -> None:
    (printed,) = blocks_of(ROOT / "docs" / "api.md", "json")
    answer = verger.classify((ROOT / "examples" / "banana.jpg").read_bytes()).json()
    answer["results"][0]["filename"] = "banana.jpg"  # a raw body has no name
    assert form(answer) == form(json.loads(printed.code))


def test_an_answer_of_the_open_inference_protocol_has_the_printed_form(verger: Launched) -> None:
    (printed,) = blocks_of(ROOT / "docs" / "oip.md", "json")
    photo, headers = (ROOT / "examples" / "banana.jpg").read_bytes(), {"Inference-Header-Content-Length": "0"}
    answer = httpx.post(f"{verger.web}/v2/models/fruit-classifier/infer", content=photo, headers=headers, timeout=30)
    assert form(answer.json()) == form(json.loads(printed.code))
