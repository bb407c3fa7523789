"""The languages of the page: which one a visitor reads, and what is said in it. Pure, but for reading translations/.

A language is one JSON file in translations/, named by its BCP 47 tag; a new file is a new language.
"""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

DEFAULT = "en"


class Catalog:
    """Everything that the page says in one language."""

    def __init__(self, tag: str, texts: Mapping[str, Any]) -> None:
        """texts maps keys to texts with {placeholders}, grouped in objects."""
        self.tag = tag
        self.texts = texts

    def __call__(self, key: str, **values: object) -> str:
        """The text behind a dotted key. Raises KeyError for an unknown key."""
        text: Any = self.texts
        for part in key.split("."):
            text = text[part]
        return str(text).format(**values)

    @cached_property
    def name(self) -> str:
        """The language's own name."""
        return self("language")

    def certainty(self, share: float) -> str:
        """A probability as percent() rounds it, as it reads inside a sentence."""
        return self("number.percent_over", value=99) if 0.995 <= share < 1 else self.percent(share)

    def percent(self, share: float) -> str:
        """A probability, 0 to 1, in whole percent; a rounded figure never claims certainty."""
        if 0.995 <= share < 1:
            return self("number.percent_above", value=99)
        if share < 0.005:
            return self("number.percent_below", value=1)
        return self("number.percent", value=round(share * 100))

    def duration(self, milliseconds: float) -> str:
        """A time in milliseconds, in the unit that people would use."""
        if milliseconds < 1000:
            return self("number.milliseconds", value=round(milliseconds))
        return self("number.seconds", value=self._decimal(milliseconds / 1000))

    def megabytes(self, size: int) -> str:
        """A number of bytes, in units of 2**20."""
        return self("number.megabytes", value=self._decimal(size / 2**20))

    def _decimal(self, value: float) -> str:
        return f"{round(value, 1):g}".replace(".", self("number.point"))


def load_catalogs(directory: Path = Path(__file__).parent / "translations") -> dict[str, Catalog]:
    """All catalogs by their language's tag."""
    return {
        path.stem: Catalog(path.stem, json.loads(path.read_text("utf-8"))) for path in sorted(directory.glob("*.json"))
    }


def choose_language(known: Mapping[str, object], asked: str | None, remembered: str | None, accepted: str) -> str:
    """The tag of the language to use: the one asked for (?lang=), else remembered (cookie), else the browser's choice.

    accepted is an Accept-Language header (RFC 9110, 12.5.4); "fr-CA" means "fr" where "fr-CA" is not known.
    """
    wanted = [asked or "", remembered or "", *_by_preference(accepted)]
    return next((tag for tag in wanted if tag in known), DEFAULT)


def _by_preference(accepted: str) -> list[str]:
    weighted = []
    for item in accepted.lower().split(","):
        tag, _, weight = item.partition(";")
        try:
            quality = float(weight.partition("=")[2] or 1)
        except ValueError:
            continue
        if quality > 0:
            weighted.append((quality, tag.strip()))
    weighted.sort(key=lambda pair: -pair[0])
    return [variant for _, tag in weighted for variant in (tag, tag.partition("-")[0])]
