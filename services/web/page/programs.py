"""Programs that ask the API about one photo, for the visitors of the page to copy."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT_NAME = "photo.jpg"
"""Name of the file in the programs where the upload had none."""


@dataclass(frozen=True)
class Place:
    """Where the programs find Verger.

    page: address of the page, such as http://localhost:8000; grpc: host and port; is_grpc_encrypted: whether gRPC takes
    TLS; asks: whether a key is needed to classify.
    """

    page: str
    grpc: str
    is_grpc_encrypted: bool
    asks: bool


@dataclass(frozen=True)
class Program:
    """A program, and the language or tool that runs it."""

    name: str
    code: str


@dataclass(frozen=True)
class Programs:
    """The programs for one photo. asks: whether they need a key."""

    all: Sequence[Program]
    asks: bool


def programs_for(filename: str | None, place: Place) -> Programs:
    """Returns programs that classify the file of this name in the current directory, each quoted as its language wants.

    With a key, they take it from the environment variable VERGER_KEY, and never from the arguments of a program, which
    other users of the machine can read.
    """
    name = filename or DEFAULT_NAME
    programs = (
        Program("curl", _curl(name, place)),
        Program("Python", _python(name, place)),
        Program("JavaScript", _javascript(name, place)),
        Program("grpcurl", _grpcurl(name, place)),
    )
    return Programs(programs, place.asks)


def _curl(name: str, place: Place) -> str:
    key = """printf 'Authorization: Bearer %s' "$VERGER_KEY" | """ if place.asks else ""
    header = "-H @- " if place.asks else ""
    return f"{key}curl {header}--data-binary {shlex.quote('@' + name)} {shlex.quote(place.page + '/api/v1/classify')}"


def _python(name: str, place: Place) -> str:
    lines = ["from verger_client import Client", ""]
    key = ""
    if place.asks:
        lines.insert(0, "import os\n")
        key = ', key=os.environ["VERGER_KEY"]'
    lines += [
        f"with Client({json.dumps(place.page)}{key}) as client:",
        f"    answer = client.classify({json.dumps(name, ensure_ascii=False)})",
        "print(answer.verdict.value, answer.label)",
    ]
    return "\n".join(lines)


def _javascript(name: str, place: Place) -> str:
    key = ", headers: { Authorization: `Bearer ${process.env.VERGER_KEY}` }" if place.asks else ""
    return "\n".join(
        (
            'import { openAsBlob } from "node:fs";',
            "",
            f"const photo = await openAsBlob({json.dumps(name, ensure_ascii=False)});",
            f"const address = {json.dumps(place.page + '/api/v1/classify')};",
            f'const response = await fetch(address, {{ method: "POST", body: photo{key} }});',
            "console.log(await response.json());",
        )
    )


def _grpcurl(name: str, place: Place) -> str:
    options = "" if place.is_grpc_encrypted else "-plaintext "
    if place.asks:
        options += "-expand-headers -H 'authorization: Bearer ${VERGER_KEY}' "
    return "\n".join(
        (
            f"(printf '{{\"image\": \"'; base64 < {shlex.quote(name)} | tr -d '\\n'; printf '\"}}') |",
            f"    grpcurl {options}-d @ {shlex.quote(place.grpc)} verger.v1.ClassifierService/Classify",
        )
    )
