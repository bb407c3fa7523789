"""The documents that people read: their code blocks, and the commands in these."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.repository import ROOT

DOCUMENTS = [*(ROOT / name for name in ("README.md", "README.fr.md", "CONTRIBUTING.md", "SECURITY.md"))]
DOCUMENTS += [*sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "terraform").glob("README*.md"))]
COMMANDS_FILE = ROOT / "tests" / "docs" / "commands.toml"

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(^|[ \t]+)# .*$", re.MULTILINE)
_CONTINUED = re.compile(r"(?:(\|)|\\)\n\s*")


def name_of(document: Path) -> str:
    """What tests call a document."""
    return document.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced block of code. The comments of bash are left out."""

    document: Path
    language: str
    code: str

    @property
    def commands(self) -> list[str]:
        """The commands of a bash block, each on one line."""
        whole = _CONTINUED.sub(lambda match: "| " if match[1] else "", self.code)
        return [line for line in whole.splitlines() if line]


def blocks_of(document: Path, *languages: str) -> list[Block]:
    """The blocks of these languages, in their order."""
    found = _FENCED.findall(document.read_text(encoding="utf-8"))
    return [
        Block(document, language, _COMMENT.sub("", code) if language == "bash" else code)
        for language, code in found
        if language in languages
    ]


def covered_commands() -> Mapping[str, str]:
    """Each listed command with the test that runs it; "" where none does."""
    entries = tomllib.loads(COMMANDS_FILE.read_text(encoding="utf-8"))
    return {command: run["by"] for run in entries["run"] for command in run["commands"]} | {
        command: "" for entry in entries["not_run"] for command in entry["commands"]
    }
