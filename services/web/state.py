"""What lives as long as the application and is shared by all requests."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from services.web.config import WebSettings
from services.web.page.rendering import Renderer
from services.web.preprocess_client import Classifier
from services.web.uploads.reader import UploadReader


@dataclass(frozen=True)
class State:
    """Made once, in app.py."""

    settings: WebSettings
    classifier: Classifier
    uploads: UploadReader
    renderer: Renderer


def state_of(request: Request) -> State:
    """The state of the application that answers this request."""
    return cast(State, request.app.state.verger)
