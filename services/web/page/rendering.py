"""Renders templates to HTML in the visitor's language."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.web.page.assets import VersionedFiles
from services.web.page.languages import Catalog, choose_language, load_catalogs

LANGUAGE_COOKIE = "lang"
LANGUAGE_COOKIE_MAX_AGE_SECONDS = 365 * 24 * 3600
LANGUAGE_PARAMETER = "lang"


class Renderer:
    """Renders pages in the visitor's language. Each template is compiled once."""

    def __init__(self, files: VersionedFiles, *more_templates: Path) -> None:
        """Finds templates in the page's own folder, then in `more_templates`; `files` gives static files' addresses."""
        self._catalogs = load_catalogs()
        self._templates = Environment(
            loader=FileSystemLoader([Path(__file__).parent / "templates", *more_templates]),
            autoescape=True,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._templates.globals.update(static=files.url, languages=list(self._catalogs.values()))

    @property
    def languages(self) -> Collection[str]:
        """The tags of all languages that there are texts in (BCP 47)."""
        return self._catalogs.keys()

    def catalog_for(self, request: Request) -> Catalog:
        """Returns the texts in this visitor's language."""
        tag = choose_language(
            self._catalogs,
            requested=request.query_params.get(LANGUAGE_PARAMETER),
            remembered=request.cookies.get(LANGUAGE_COOKIE),
            accepted=request.headers.get("accept-language", ""),
        )
        return self._catalogs[tag]

    def render(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Renders a template, and stores the language in a cookie if the visitor has just chosen one."""
        t = self.catalog_for(request)
        response = HTMLResponse(
            self._templates.get_template(template).render(t=t, **values),
            status_code=status,
            headers={
                "Content-Language": t.tag,
                "Cache-Control": "no-store",
                "Vary": "Accept-Language, Cookie",
            },
        )
        if request.query_params.get(LANGUAGE_PARAMETER) == t.tag:
            response.set_cookie(
                LANGUAGE_COOKIE, t.tag, max_age=LANGUAGE_COOKIE_MAX_AGE_SECONDS, path="/", samesite="lax", httponly=True
            )
        return response
