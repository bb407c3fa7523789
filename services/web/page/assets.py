"""Static files under addresses that name their content, so that browsers may keep them for good."""

import hashlib
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIRECTORY = Path(__file__).parent / "static"
SWAGGER_PACKAGE = ("fastapi_offline", "static")
"""The package that brings Swagger UI along: nothing is loaded from elsewhere, and nothing is copied into here."""

_FOR_GOOD = "public, max-age=31536000, immutable"
_CHECK_FIRST = "no-cache"


class VersionedFiles(StaticFiles):
    """Serves the files of this folder and of Swagger UI; `url` gives their addresses."""

    def __init__(self, mounted_at: str) -> None:
        super().__init__(directory=DIRECTORY, packages=[SWAGGER_PACKAGE])
        self._mounted_at = mounted_at
        self._digests: dict[str, str] = {}

    def url(self, path: str) -> str:
        """The address of a file. Raises FileNotFoundError where there is none."""
        if path not in self._digests:
            full_path, _ = self.lookup_path(path)
            self._digests[path] = hashlib.sha256(Path(full_path).read_bytes()).hexdigest()[:12]
        return f"{self._mounted_at}/{path}?v={self._digests[path]}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Adds how long the file may be kept: for good under its own digest, else not without asking."""
        response = await super().get_response(path, scope)
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("v", [""])[0]
        for_good = asked == self._digests.get(path) or path.startswith("fonts/")  # a font's name holds its version
        response.headers["Cache-Control"] = _FOR_GOOD if for_good else _CHECK_FIRST
        return response


@cache
def sample_labels() -> frozenset[str]:
    """The labels that a sample picture exists for."""
    return frozenset(path.stem for path in (DIRECTORY / "samples").glob("*.webp"))


@cache
def sample_bytes(label: str) -> bytes:
    """A sample picture. The label must be one of sample_labels()."""
    return (DIRECTORY / "samples" / f"{label}.webp").read_bytes()
