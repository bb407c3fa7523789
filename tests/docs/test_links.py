"""What documents point to is there: files, headings, names in the code."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.documents.recipes import name_of
from tests.support.repository import ROOT

PAGES = sorted(path for path in ROOT.rglob("*.md") if not {".verger", ".terraform", ".git"} & set(path.parts))
ARCHITECTURE = ROOT / "docs" / "architecture.md"
ROOMS = (
    "benchmarks",
    "bulk",
    "client",
    "dataset_client",
    "docs",
    "engine",
    "examples",
    "models",
    "protos",
    "registry",
    "scripts",
    "services",
    "terraform",
    "tests",
    "trainer",
)


def prose(page: Path) -> str:
    """Without blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@cache
def anchors(page: Path) -> set[str]:
    """The headings as GitHub names them in addresses."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if not re.match(r"[a-z]+:", link)]
    wrong = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_that_are_named_exist(page: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(ROOMS)})/[\w./-]+)`", prose(page))
    assert [path for path in named if not any((home / path).exists() for home in (ROOT, ROOT / "terraform"))] == []


def test_the_architecture_names_what_is_in_the_code() -> None:
    """Each file by its last part, and what follows it in brackets: `file.py` (`name`, `Class.name`)."""
    homes = {ROOT / "launch.sh", *(path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file())}
    wrong = []
    for file, names in re.findall(
        r"`([\w/]+\.(?:py|js|sh|proto))`(?:\s\(((?:`[\w.]+`[,\s]*)+)\))?", prose(ARCHITECTURE)
    ):
        code = "".join(path.read_text(encoding="utf-8") for path in homes if path.as_posix().endswith(f"/{file}"))
        parts = {part for name in re.findall(r"`([\w.]+)`", names) for part in name.split(".")}
        wrong += [f"{file}: {part}" for part in sorted(parts) if not re.search(rf"\b{part}\b", code)]
        wrong += [] if code else [file]
    assert wrong == []
