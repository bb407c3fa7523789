"""The audit for who may see it: who did what with keys, newest first, a page at a time."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.access.audit import Action, Search
from services.web.page.sign_in import gate_of, visitor_of
from services.web.problems import ParameterInvalid
from services.web.state import state_of

router = APIRouter(include_in_schema=False)

PATH = "/audit"
PAGE_ENTRIES = 50

MAX_WHO_CHARACTERS = 100
MAX_NUMBER = 2**63 - 1


@router.get(PATH)
async def show_audit(
    request: Request,
    action: str = "",
    who: Annotated[str, Query(max_length=MAX_WHO_CHARACTERS)] = "",
    before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
) -> Response:
    """Shows entries of the audit: all, or those with this action and by those whose name contains `who`."""
    gate = gate_of(request)
    if action and action not in list(Action):
        raise ParameterInvalid("Correct the query parameters. There is no such action.")
    search = Search(Action(action) if action else None, who.strip(), before)
    entries, older = await gate.search_audit(search, PAGE_ENTRIES)
    return state_of(request).renderer.render(
        request,
        "audit.html",
        entries=entries,
        older=older,
        search=search,
        actions=list(Action),
        visitor=await visitor_of(request),
    )
