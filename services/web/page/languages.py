"""The languages of the page: which one a visitor gets, and its texts and number formats.

Each language is one JSON file in translations/, named by its BCP 47 tag. Adding a file adds a language.
"""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

DEFAULT = "en"

MAX_ACCEPTED_CHARACTERS = 1000
"""Characters of an Accept-Language header that are read: more than any browser sends."""


class Catalog:
    """The texts and number formats of one language."""

    def __init__(self, tag: str, texts: Mapping[str, Any]) -> None:
        """Takes nested objects of texts; a text may contain {placeholders}."""
        self.tag = tag
        self.texts = texts

    def __call__(self, key: str, **values: object) -> str:
        """Returns the text of a dotted key with its placeholders filled in.

        Raises:
            KeyError: there is no such key, or a placeholder has no value.
        """
        text: Any = self.texts
        for part in key.split("."):
            text = text[part]
        return str(text).format(**values)

    @cached_property
    def name(self) -> str:
        """The language's own name."""
        return self("language")

    def certainty(self, share: float) -> str:
        """Formats a probability, 0 to 1, like percent(), but for use inside a sentence."""
        return self("number.percent_over", value=99) if 0.995 <= share < 1 else self.percent(share)

    def percent(self, share: float) -> str:
        """Formats a probability, 0 to 1, in whole percent. Only exactly 1 is shown as 100%."""
        if 0.995 <= share < 1:
            return self("number.percent_above", value=99)
        if share < 0.005:
            return self("number.percent_below", value=1)
        return self("number.percent", value=round(share * 100))

    def duration(self, milliseconds: float) -> str:
        """Formats a duration in milliseconds; from 1000 ms on, in seconds."""
        if milliseconds < 1000:
            return self("number.milliseconds", value=round(milliseconds))
        return self("number.seconds", value=self._decimal(milliseconds / 1000))

    def age(self, seconds: float) -> str:
        """Formats how long something has lasted: in minutes, from an hour on in hours, from two days on in days."""
        minutes = int(seconds // 60)
        if minutes < 1:
            return self("number.moment")
        if minutes < 60:
            return self("number.minutes", value=minutes)
        if minutes < 48 * 60:
            return self("number.hours", value=minutes // 60)
        return self("number.days", value=minutes // (24 * 60))

    def megabytes(self, size: int) -> str:
        """Formats a number of bytes in units of 2**20 bytes."""
        return self("number.megabytes", value=self._decimal(size / 2**20))

    def _decimal(self, value: float) -> str:
        return f"{round(value, 1):g}".replace(".", self("number.point"))


def load_catalogs(directory: Path = Path(__file__).parent / "translations") -> dict[str, Catalog]:
    """Reads all translations; returns each language's catalog under its tag."""
    return {
        path.stem: Catalog(path.stem, json.loads(path.read_text("utf-8"))) for path in sorted(directory.glob("*.json"))
    }


def choose_language(known: Mapping[str, object], requested: str | None, remembered: str | None, accepted: str) -> str:
    """Returns the tag of the language to use: the first known one of those requested, remembered and accepted.

    Args:
        known: the available languages by tag.
        requested: the value of ?lang=.
        remembered: the value of the cookie.
        accepted: an Accept-Language header (RFC 9110, 12.5.4). "fr-CA" means "fr" if "fr-CA" is not known.
    """
    wanted = [requested or "", remembered or "", *_by_preference(accepted[:MAX_ACCEPTED_CHARACTERS])]
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
