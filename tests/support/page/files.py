"""Gives files to the page as visitors do: dropped on it, pasted, or held back on their way to the server."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import JSHandle, Page, Route

from tests.support.pictures.photos import encoded, plain
from tests.support.waiting import wait_until

PNG = encoded(plain(), "PNG")


@dataclass(frozen=True)
class Given:
    """A file as a browser describes it; without a type if the visitor's system does not know it."""

    name: str
    type: str = "image/png"
    content: bytes = PNG


def drop(page: Page, *files: Given) -> None:
    """Drops files on the page's headline."""
    transfer = transferred(page, files)
    page.dispatch_event("h1", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})


def paste(page: Page, *files: Given) -> None:
    """Pastes files into the page."""
    paste = """clipboardData => {
        document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    }"""
    page.evaluate(paste, transferred(page, files))


def transferred(page: Page, files: Sequence[Given]) -> JSHandle:
    """Returns a DataTransfer of the page with these files."""
    make = """files => {
        const transfer = new DataTransfer();
        for (const { name, type, content } of files) {
            const bytes = Uint8Array.from(atob(content), character => character.charCodeAt(0));
            transfer.items.add(new File([bytes], name, { type }));
        }
        return transfer;
    }"""
    sent = [{"name": f.name, "type": f.type, "content": base64.b64encode(f.content).decode()} for f in files]
    return page.evaluate_handle(make, sent)


def hold_requests(page: Page) -> list[Route]:
    """Holds back all photos from now on; returns a list that grows with them."""
    held: list[Route] = []
    page.route("**/predict", lambda route: held.append(route))
    return held


def wait_for_request(page: Page, held: list[Route], count: int = 1) -> Route:
    """Returns the last one of `count` photos that are held back, once they are. The page's events arrive meanwhile."""
    wait_until(lambda: page.evaluate("true") and len(held) >= count, what="the request")
    return held[-1]
