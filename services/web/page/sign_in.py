"""Signing in with a key and out again, and who has signed in."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from engine.errors import VergerError
from services.access.gate import Gate
from services.access.keys import Scope
from services.web.page.presentation import view_error
from services.web.problems import NotFound, headers_of
from services.web.sessions import (
    SESSION_COOKIE,
    SIGN_IN_COOKIE,
    check_form,
    cookie_of,
    delete_cookie,
    form_token,
    new_secret,
    set_cookie,
)
from services.web.state import state_of
from services.web.uploads.reader import receive_fields

router = APIRouter(include_in_schema=False)

PATH = "/sign-in"


@dataclass(frozen=True)
class Visitor:
    """Who has signed in.

    name: of the key; form_token: what forms of this session carry; is_admin: of all scopes; may_give: whether the key
    has the scope feedback; may_review: whether it has the scope review, and there are photos.
    """

    name: str
    form_token: str
    is_admin: bool
    may_give: bool
    may_review: bool


async def visitor_of(request: Request) -> Visitor | None:
    """Returns who has signed in; None where nobody has, or it can't be found out at the moment."""
    gate, token = state_of(request).gate, cookie_of(request, SESSION_COOKIE)
    if gate is None or not token:
        return None
    try:
        key = await gate.admit_session(token, Scope.CLASSIFY)
    except VergerError:
        return None
    is_admin = Scope.ADMIN in key.scopes
    may_give = is_admin or Scope.FEEDBACK in key.scopes
    may_review = state_of(request).review is not None and (is_admin or Scope.REVIEW in key.scopes)
    return Visitor(key.name, form_token(token), is_admin, may_give, may_review)


@router.get(PATH)
async def show_form(request: Request) -> Response:
    """Shows the form for signing in."""
    gate_of(request)
    return _form(request)


@router.post(PATH)
async def sign_in(request: Request) -> Response:
    """Starts a session with the key in the form, or shows the form again with what is wrong."""
    gate = gate_of(request)
    fields = await receive_fields(request)
    try:
        check_form(cookie_of(request, SIGN_IN_COOKIE), fields)
        token = await gate.sign_in(fields.get("key", ""))
        if former := cookie_of(request, SESSION_COOKIE):
            await gate.sign_out(former)
    except VergerError as error:
        return _form(request, error)
    response = RedirectResponse("/", status_code=303)
    set_cookie(response, request, SESSION_COOKIE, token)
    delete_cookie(response, request, SIGN_IN_COOKIE)
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Ends the session, if there is one."""
    gate, token = gate_of(request), cookie_of(request, SESSION_COOKIE)
    response = RedirectResponse("/", status_code=303)
    if token:
        check_form(token, await receive_fields(request))
        await gate.sign_out(token)
        delete_cookie(response, request, SESSION_COOKIE)
    return response


def gate_of(request: Request) -> Gate:
    """Returns the gate.

    Raises:
        NotFound: nobody is asked for a key here.
    """
    gate = state_of(request).gate
    if gate is None:
        raise NotFound("Nobody has to sign in here.")
    return gate


def _form(request: Request, error: VergerError | None = None) -> Response:
    """Renders the form. Its token goes with a cookie, so that no other site can sign a visitor in."""
    state, secret = state_of(request), cookie_of(request, SIGN_IN_COOKIE) or new_secret()
    t, settings = state.renderer.catalog_for(request), state.settings
    max_size = t.megabytes(settings.max_image_bytes)
    view = error and view_error(error, t, max_size=max_size, max_files=settings.max_files_per_request)
    status = view.status if view else 200
    response = state.renderer.render(request, "sign_in.html", status, error=view, form_token=form_token(secret))
    response.headers.update(headers_of(error) if error else {})
    set_cookie(response, request, SIGN_IN_COOKIE, secret)
    return response
