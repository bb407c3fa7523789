"""The routes of the page for reviewers: the page, the list and one photo for its script, pictures, and decisions."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from verger.v1 import collection_pb2

from services.web.access import DELETIONS_PATH, REVIEW_PATH, confirm, reviews_openly
from services.web.page.presentation import view_answer
from services.web.page.sign_in import visitor_of
from services.web.preprocess_client import Wanted
from services.web.problems import DecisionInvalid, ReviewNeedsKeys, ReviewOff
from services.web.review.client import ReviewClient
from services.web.review.search import ORDERS, Search, filter_of, label_of, search_of
from services.web.review.views import Words, item_of, outcome_of, view_photo
from services.web.state import state_of
from services.web.uploads.reader import receive_pairs

router = APIRouter(include_in_schema=False)

PATH = REVIEW_PATH
TEMPLATES = Path(__file__).parent / "templates"
STATIC_FOLDER = ("services.web.review", "static")

PAGE_PHOTOS, LIST_PHOTOS = 60, 250
"""Photos on a page without JavaScript, and in one answer to the script."""

MAX_FORM_BYTES = 64 * 1024
"""A form with as many photos as the collection labels at once."""

_PICTURE_HEADERS = {"Cache-Control": "private, max-age=86400, immutable"}
"""A kept picture never changes. A day is how long a deleted one may stay in the browser of who has seen it."""


@router.get(PATH)
async def show(request: Request) -> Response:
    """Shows the list, and one photo in large if the address names it."""
    return await _page(request)


@router.get(f"{PATH}/photos")
async def photos(request: Request) -> Response:
    """Returns a part of the list."""
    words = await _words(request)
    page = await _listed(request, search_of(request.query_params), LIST_PHOTOS)
    return JSONResponse({"items": [item_of(each, words) for each in page.photos], "next": page.next_page_token})


@router.get(f"{PATH}/photos/{{identity}}")
async def photo(request: Request, identity: str) -> Response:
    """Returns one photo in large, as a part of the page."""
    words = await _words(request)
    shown = await _shown(request, identity, words)
    return state_of(request).renderer.render(request, "_photo.html", **shown)


@router.get(f"{PATH}/thumbnails/{{identity}}")
async def thumbnail(request: Request, identity: str) -> Response:
    """Returns a small picture."""
    return await _picture(request, identity, collection_pb2.PHOTO_VIEW_THUMBNAIL)


@router.get(f"{PATH}/pictures/{{identity}}")
async def picture(request: Request, identity: str) -> Response:
    """Returns the picture as it is kept."""
    return await _picture(request, identity, collection_pb2.PHOTO_VIEW_IMAGE)


@router.post(f"{PATH}/labels")
async def label(request: Request) -> Response:
    """Gives photos a label."""
    client, (photos, fields) = _client(request), await _form(request)
    seen = [_seen(value) for value in photos]
    decision = fields.get("decision", "")
    outcome = await client.label(
        collection_pb2.LabelPhotosRequest(
            request_id=decision, photos=seen, label=label_of(fields.get("label", "")), reviewer=_reviewer(request)
        )
    )
    return await _decided(request, outcome, decision)


@router.post(f"{PATH}/undo")
async def undo(request: Request) -> Response:
    """Takes a decision back."""
    client, (_, fields) = _client(request), await _form(request)
    change = fields.get("change", "")
    outcome = await client.undo(
        collection_pb2.UndoLabelsRequest(
            request_id=change, decision_id=fields.get("decision", ""), reviewer=_reviewer(request)
        )
    )
    return await _decided(request, outcome, change)


@router.post(DELETIONS_PATH)
async def delete(request: Request) -> Response:
    """Deletes photos with all that is known of them."""
    client, (photos, _) = _client(request), await _form(request)
    deleted = await client.delete([_seen(value).photo_id for value in photos])
    if _wants_json(request):
        return JSONResponse({"deleted": deleted})
    return await _page(request, deleted=deleted)


async def _decided(
    request: Request,
    outcome: collection_pb2.LabelPhotosResponse | collection_pb2.UndoLabelsResponse,
    decision: str,
) -> Response:
    """Says what became of a decision."""
    told = outcome_of(outcome, await _words(request))
    if _wants_json(request):
        return JSONResponse(told)
    return await _page(request, outcome=told, decision=decision)


async def _page(request: Request, **said: Any) -> Response:
    """Renders the page. said: what became of what the visitor has just done."""
    _client(request)
    state, search, words = state_of(request), search_of(request.query_params), await _words(request)
    page = await _listed(request, search, PAGE_PHOTOS)
    visitor = await visitor_of(request)
    identity = request.query_params.get("photo", "")
    shown = await _shown(request, identity, words) if identity and not said else {"photo": None, "today": None}
    return state.renderer.render(
        request,
        "review.html",
        **{"outcome": None, "decision": "", "deleted": None, **shown, **said},
        search=search,
        items=[item_of(each, words) for each in page.photos],
        following=page.next_page_token,
        choices=words.choices(),
        options=words.options(),
        new_decision=secrets.token_hex(16),
        visitor=visitor,
        may_delete=visitor is None or visitor.is_admin,
    )


async def _listed(request: Request, search: Search, size: int) -> collection_pb2.ListPhotosResponse:
    described = await state_of(request).preprocess.recent_description()
    return await _client(request).list(
        collection_pb2.ListPhotosRequest(
            classifier=described.model.ref.name,
            filter=filter_of(search),
            order=ORDERS[search.order],
            page_size=size,
            page_token=request.query_params.get("after", ""),
        )
    )


async def _shown(request: Request, identity: str, words: Words) -> dict[str, Any]:
    """Returns one photo, and with `evidence` in the address what the live version says of it."""
    client, today = _client(request), None
    asks = "evidence" in request.query_params
    got = await client.photo(
        identity, collection_pb2.PHOTO_VIEW_IMAGE if asks else collection_pb2.PHOTO_VIEW_UNSPECIFIED
    )
    if asks:
        state, user = state_of(request), request.client.host if request.client else ""
        answer = await state.preprocess.classify(got.image, request.state.request_id, Wanted(evidence=True), user)
        today = view_answer(answer, words.classes, words.t, 0)
    return {"photo": view_photo(got, words), "today": today}


async def _picture(request: Request, identity: str, view: collection_pb2.PhotoView) -> Response:
    got = await _client(request).photo(identity, view)
    return Response(got.image, media_type="image/jpeg", headers=_PICTURE_HEADERS)


async def _words(request: Request) -> Words:
    state = state_of(request)
    described = await state.preprocess.recent_description()
    return Words(described.model.contract.classes, state.renderer.catalog_for(request))


def _client(request: Request) -> ReviewClient:
    """Returns the client of the collection, for those who may review.

    Raises:
        ReviewOff: there is no collection.
        ReviewNeedsKeys: nobody is asked for a key, and the request may come from another machine.
    """
    state = state_of(request)
    if state.review is None:
        raise ReviewOff("There are no photos to review: this site has no collection.")
    if state.gate is None and not reviews_openly(state.settings, request):
        raise ReviewNeedsKeys(
            "Photos that people gave are shown on this machine alone, because nobody is asked for a key. To review "
            "from others, set VERGER_ACCESS=keys."
        )
    return state.review


async def _form(request: Request) -> tuple[Sequence[str], Mapping[str, str]]:
    """Returns the photos of a form, and its other fields; checks that the page has made it."""
    pairs = await receive_pairs(request, MAX_FORM_BYTES)
    fields = dict(pairs)
    if gate := state_of(request).gate:
        await confirm(gate, request, fields)
    return [value for name, value in pairs if name == "photo"], fields


def _seen(text: str) -> collection_pb2.SeenPhoto:
    """Returns the photo in a field, “ID:REVISION”.

    Raises:
        DecisionInvalid: the field says something else.
    """
    identity, _, revision = text.partition(":")
    if not revision.isascii() or not revision.isdigit() or len(revision) > 9:
        raise DecisionInvalid("“photo” must be the id of a photo, a colon, and its revision.")
    return collection_pb2.SeenPhoto(photo_id=identity, revision=int(revision))


def _reviewer(request: Request) -> str:
    """Returns who decides: the owner of the key; nobody by name where there are no keys."""
    key = getattr(request.state, "key", None)
    return key.owner if key else ""


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")
