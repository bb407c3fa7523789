"""Sends the page's forms as a browser without JavaScript does."""

import re

import httpx


def token_in(page: httpx.Response) -> str:
    """Returns the token of the forms on a page; an empty text if it has none."""
    found = re.search(r'name="csrf" value="(\w+)"', page.text)
    return found[1] if found else ""
