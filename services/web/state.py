"""The objects that all requests share, for as long as the application runs."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from services.access.gate import Gate
from services.access.quotas.quotas import Quotas
from services.web.collecting import Collector
from services.web.config import WebSettings
from services.web.page.rendering import Renderer
from services.web.preprocess_client import PreprocessClient
from services.web.review.client import ReviewClient
from services.web.uploads.reader import UploadReader


@dataclass(frozen=True)
class State:
    """Shared objects; app.py creates them once."""

    settings: WebSettings
    preprocess: PreprocessClient
    uploads: UploadReader
    renderer: Renderer
    gate: Gate | None
    """Checks keys and sessions; None where everybody may call."""

    quotas: Quotas | None
    """Counts photos, bytes and calls; None where nothing is limited."""
    collector: Collector | None = None
    """Gives photos to the collection; None where none are kept."""

    review: ReviewClient | None = None
    """Shows and labels kept photos; None where there is no collection."""


def state_of(request: Request) -> State:
    """Returns the state of the application that handles this request."""
    return cast(State, request.app.state.verger)
