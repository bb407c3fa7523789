"""The cookies of visitors who sign in, and the tokens by which forms show that the page has made them (CSRF)."""

import hmac
import secrets
from collections.abc import Mapping
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from services.web.problems import FormTokenInvalid

SESSION_COOKIE = "verger-session"
"""Name of the cookie with the token of a session."""

SIGN_IN_COOKIE = "verger-sign-in"
"""Name of the cookie that binds the form for signing in to one browser."""

FORM_FIELD = "csrf"
"""Form field with the token of a form."""

_SAME_SITE: Final = "lax"
"""Other sites can't send forms with these cookies, but links from there open the page of who has signed in."""


def cookie_of(request: HTTPConnection, name: str) -> str:
    """Returns the value of one of these cookies; an empty text if there is none."""
    return request.cookies.get(_full_name(request, name), "")


def set_cookie(response: Response, request: HTTPConnection, name: str, value: str) -> None:
    """Sets one of these cookies until the browser is closed. Scripts can't read it."""
    full_name, is_secure = _full_name(request, name), _is_https(request)
    response.set_cookie(full_name, value, secure=is_secure, httponly=True, samesite=_SAME_SITE)


def delete_cookie(response: Response, request: HTTPConnection, name: str) -> None:
    """Deletes one of these cookies."""
    full_name, is_secure = _full_name(request, name), _is_https(request)
    response.delete_cookie(full_name, secure=is_secure, httponly=True, samesite=_SAME_SITE)


def new_secret() -> str:
    """Returns a value for the cookie of the form for signing in."""
    return secrets.token_urlsafe(32)


def form_token(secret: str) -> str:
    """Returns the token of the forms of a browser whose cookie has this value. The cookie can't be told from it."""
    return hmac.digest(secret.encode(), b"form", "sha256").hex()


def check_form(secret: str, fields: Mapping[str, str]) -> None:
    """Checks that a form has the token of the browser that sends it.

    Args:
        secret: the value of the cookie that came with the form; an empty text if none did.
        fields: of the form.

    Raises:
        FormTokenInvalid: it has another token or none.
    """
    given = fields.get(FORM_FIELD, "")
    if not secret or not hmac.compare_digest(form_token(secret).encode(), given.encode()):
        raise FormTokenInvalid("This form was not made by the page, or is too old. Reload the page, then try again.")


def _is_https(request: HTTPConnection) -> bool:
    return bool(request.scope["scheme"] == "https")


def _full_name(request: HTTPConnection, name: str) -> str:
    """Returns the cookie's name. Browsers take one with __Host- from this host alone, and over HTTPS alone."""
    return f"__Host-{name}" if _is_https(request) else name
