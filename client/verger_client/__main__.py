"""The command `verger`: classifies files and prints the answers.

verger classify *.jpg
verger classify --json --server https://fruits.example photo.jpg
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from verger_client.answers import Answer, Result, Verdict
from verger_client.client import DEFAULT_ADDRESS, DEFAULT_CONCURRENCY, DEFAULT_TIMEOUT_SECONDS, Client

FAILED = 1
"""Exit status if a photo got no answer; a wrong command ends with 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        key = options.key_file.read_text(encoding="utf-8").strip() if options.key_file else os.environ.get("VERGER_KEY")
        client = Client(options.server, key=key, ca_file=options.ca_file, timeout=options.timeout)
    except (OSError, ValueError, ImportError) as error:
        print(f"verger: {error}", file=sys.stderr)
        return 2
    failed = False
    with client:
        for result in client.classify_many(options.files, concurrency=options.concurrency, top_k=options.top_k):
            failed = failed or result.error is not None
            _print(result, options.json)
    return FAILED if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="verger", description="Asks a running Verger what photos show.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    classify = commands.add_parser(
        "classify", help="classify photos, and print an answer for each as it comes", allow_abbrev=False
    )
    classify.add_argument("files", nargs="+", metavar="FILE", help="image files")
    classify.add_argument("--json", action="store_true", help="print one JSON object per photo")
    classify.add_argument("--top-k", type=int, default=0, metavar="N", help="only the N best predictions, in JSON")
    classify.add_argument(
        "--server",
        default=os.environ.get("VERGER_SERVER", DEFAULT_ADDRESS),
        metavar="ADDRESS",
        help="host:port or grpcs://host:port for gRPC, http:// or https:// for REST; VERGER_SERVER, or "
        f"{DEFAULT_ADDRESS}, by default",
    )
    classify.add_argument("--key-file", type=Path, metavar="FILE", help="holds the key; VERGER_KEY does as well")
    classify.add_argument("--ca-file", type=Path, metavar="FILE", help="certificates to trust (PEM)")
    classify.add_argument("--timeout", type=float, default=DEFAULT_TIMEOUT_SECONDS, metavar="SECONDS", help="per photo")
    classify.add_argument("--concurrency", type=int, default=DEFAULT_CONCURRENCY, metavar="N", help="photos at once")
    return parser


def _print(result: Result, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_fields(result), ensure_ascii=False), flush=True)
    elif result.answer:
        print(f"{result.photo}: {_in_words(result.answer)}", flush=True)
    else:
        print(f"{result.photo}: {result.error}", file=sys.stderr, flush=True)


def _in_words(answer: Answer) -> str:
    best = answer.predictions[0]
    if answer.verdict is Verdict.RECOGNISED:
        shown = min(best.probability, 0.999) if best.probability < 1 else 1  # only 1 is 100 %
        return f"{best.label} ({shown:.1%})"
    if answer.verdict is Verdict.UNSURE:
        return "unsure: " + " or ".join(item.label for item in answer.predictions[:2])
    return f"none of the classes (closest: {best.label})"


def _fields(result: Result) -> dict[str, object]:
    """Returns the fields of a JSON object, named as in the REST API."""
    answer, error = result.answer, result.error
    return {
        "filename": str(result.photo),
        "verdict": answer.verdict.value if answer else None,
        "label": answer.label if answer else None,
        "predictions": [
            {"label": item.label, "probability": round(item.probability, 4)}
            for item in (answer.predictions if answer else ())
        ],
        "model": {"name": answer.model, "version": answer.version} if answer else None,
        "error": {"reason": error.reason, "detail": str(error)} if error else None,
    }


if __name__ == "__main__":
    sys.exit(main())
