"""Runs from the command line.

python -m tests.conformance --model NAME --input REQUEST.json [--http http://HOST:PORT] [--grpc HOST:PORT] [--key KEY]

REQUEST.json is a request in the protocol's JSON that the model answers; of an input of type BYTES with the parameter
content_type "base64", gRPC and the binary form get the decoded bytes. The program prints one line a check, and ends
with status 1 if one has failed.
"""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

import grpc
import httpx

from tests.conformance.run import outcomes
from tests.conformance.target import TIMEOUT_SECONDS, Target, tensors_in


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description="Checks a server of the protocol")
    parser.add_argument("--model", required=True)
    parser.add_argument("--input", type=Path, required=True, metavar="REQUEST.json")
    parser.add_argument("--http", metavar="URL")
    parser.add_argument("--grpc", metavar="HOST:PORT")
    parser.add_argument("--key", help="is sent as a bearer token")
    options = parser.parse_args()
    headers = {"authorization": f"Bearer {options.key}"} if options.key else {}
    failures = 0
    with ExitStack() as stack:
        target = Target(options.model, tensors_in(options.input), metadata=list(headers.items()))
        if options.http:
            client = httpx.Client(base_url=options.http, headers=headers, timeout=TIMEOUT_SECONDS)
            target.http = stack.enter_context(client)
        if options.grpc:
            target.channel = stack.enter_context(grpc.insecure_channel(options.grpc))
        for outcome in outcomes(target):
            word = "FAILED" if outcome.failure else "skipped" if outcome.skipped else "ok"
            name = outcome.check.__name__.replace("_", " ")
            sys.stdout.write(f"{word:<8} {name}  {outcome.failure or outcome.skipped}\n")
            failures += bool(outcome.failure)
    sys.stdout.write(f"{failures} failed.\n")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
