"""Every command in the documents is run by a test, and commands.toml says by which."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from tests.support.documents.recipes import COMMANDS_FILE, DOCUMENTS, blocks_of, covered_commands, name_of
from tests.support.repository import ROOT

DOCUMENTED = {command for document in DOCUMENTS for block in blocks_of(document, "bash") for command in block.commands}
TWINS = [document for document in DOCUMENTS if document.name.endswith(".fr.md")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_command_is_listed(document: Path) -> None:
    commands = [command for block in blocks_of(document, "bash") for command in block.commands]
    assert [command for command in commands if command not in covered_commands()] == []


def test_nothing_is_listed_that_no_document_shows() -> None:
    assert set(covered_commands()) - DOCUMENTED == set()


def test_no_command_is_listed_twice() -> None:
    entries = tomllib.loads(COMMANDS_FILE.read_text(encoding="utf-8"))
    counts = Counter(command for entry in entries["run"] + entries["not_run"] for command in entry["commands"])
    assert [command for command, count in counts.items() if count > 1] == []
    assert all(entry["why"] for entry in entries["not_run"])


@pytest.mark.parametrize("by", sorted(set(covered_commands().values()) - {""}))
def test_the_test_that_runs_a_command_exists(by: str) -> None:
    file, _, name = by.partition("::")
    assert re.search(rf"^(async )?def {name}\(|^{name} = ", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def shape(document: Path) -> list[str]:
    """The levels of headings, list items, rows of tables and first letters of paragraphs (as p), in their order."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    starts = re.findall(r"^(#+ |- |\|)|(?<=\n\n)([^\s#|-])", text, re.MULTILINE)
    return [mark or "p" for mark, _ in starts]


@pytest.mark.parametrize("twin", TWINS, ids=name_of)
def test_a_french_page_has_the_code_and_the_parts_of_its_english_twin(twin: Path) -> None:
    original = twin.with_name(twin.name.replace(".fr.md", ".md"))
    languages = ("bash", "python", "js", "ts", "json")
    assert [block.code for block in blocks_of(twin, *languages)] == [
        block.code for block in blocks_of(original, *languages)
    ]
    assert shape(twin) == shape(original)
