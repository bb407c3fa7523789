"""requirements/*.txt hold what the dependency groups in pyproject.toml name."""

import re
import tomllib
from collections.abc import Iterator

import pytest

from tests.support.repository import ROOT

GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
LOCKED = sorted(path.stem for path in (ROOT / "requirements").glob("*.txt"))


def names_in(group: str) -> Iterator[str]:
    """The normalised names of a group's packages, those of included groups among them."""
    for item in GROUPS[group]:
        if isinstance(item, dict):
            yield from names_in(item["include-group"])
        else:
            yield re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", item)[0]).lower()


@pytest.mark.parametrize("group", LOCKED)
def test_a_lock_holds_every_package_of_its_group(group: str) -> None:
    locked = set(
        re.findall(r"^([\w.-]+)(?:\[[\w,]+])?==", (ROOT / "requirements" / f"{group}.txt").read_text(), re.MULTILINE)
    )
    excluded = ROOT / "requirements" / f"{group}.excludes"
    left_out = set(excluded.read_text().split()) if excluded.exists() else set()
    assert set(names_in(group)) - locked - left_out == set()
