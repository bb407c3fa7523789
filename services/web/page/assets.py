"""Static files whose addresses contain a digest of their content, so that browsers may cache them forever."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_FOLDER = Path(__file__).parent / "static"

_CACHE_FOREVER = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"


class VersionedFiles(StaticFiles):
    """Serves the page's static files and those of other packages; `url` returns their addresses."""

    def __init__(self, mounted_at: str, packages: Sequence[tuple[str, str]]) -> None:
        """Serves the page's files first, then those of `packages`: names of packages and folders in them."""
        super().__init__(directory=STATIC_FOLDER, packages=[*packages])
        self._mounted_at = mounted_at
        self._digests: dict[str, str] = {}

    def url(self, path: str) -> str:
        """Returns the address of a file.

        Raises:
            FileNotFoundError: there is no such file.
        """
        if path not in self._digests:
            full_path, _ = self.lookup_path(path)
            self._digests[path] = hashlib.sha256(Path(full_path).read_bytes()).hexdigest()[:12]
        return f"{self._mounted_at}/{path}?v={self._digests[path]}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Adds Cache-Control: forever if the address has the file's current digest, else with revalidation."""
        response = await super().get_response(path, scope)
        requested = parse_qs(scope["query_string"].decode("latin-1")).get("v", [""])[0]
        # The fonts' file names contain their version.
        is_immutable = requested == self._digests.get(path) or path.startswith("fonts/")
        response.headers["Cache-Control"] = _CACHE_FOREVER if is_immutable else _REVALIDATE
        return response
