"""Checks whether servers are ready. Container health checks, launch.sh and people use it.

    python -m services.common.process.health --wait 60 grpc://localhost:50051/verger.v1.ClassifierService \
        http://localhost:8000/readyz

The exit status is 0 when all servers are ready. Otherwise it is 1, and stderr has a line for each server that is not
ready. With --started, servers that lack nothing but a version of the model (NO_VERSION_YET) are well, too: on a new
system, a person must train one. Stdout then says so.

With grpcs:// and https:// it uses TLS. Where VERGER_TLS is on, it is for gRPC with the certificates that the services
use, see services.common.process.tls, and HTTPS trusts the page's certificate alone.
"""

import argparse
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services.common.errors import REASON_METADATA_KEY, NoVersionYet

ATTEMPT_TIMEOUT_SECONDS = 3.0
PAUSE_SECONDS = 0.2
"""Pause between two attempts of --wait."""


@dataclass(frozen=True)
class Problem:
    """Why a server is not ready."""

    text: str
    """For people."""
    reason: str = ""
    """The reason of the errors that the server gives, if it says so."""


def problem_with(address: str) -> Problem | None:
    """Checks one server once.

    Args:
        address: grpc://HOST:PORT/SERVICE for the gRPC health protocol (without SERVICE, the process itself), or an
            http:// URL that answers 200 when the server is ready. grpcs:// and https:// use TLS.

    Returns:
        None when the server is ready, else the problem.
    """
    parts = urlsplit(address)
    if parts.scheme in ("grpc", "grpcs"):
        return _grpc_problem(parts.netloc, parts.path.strip("/"), with_tls=parts.scheme == "grpcs")
    try:
        context = _trust_of_the_page() if parts.scheme == "https" else None
        with urllib.request.urlopen(address, timeout=ATTEMPT_TIMEOUT_SECONDS, context=context):  # noqa: S310  # addresses come from the operator
            return None
    except urllib.error.HTTPError as error:
        return _http_problem(error)
    except OSError as error:
        return Problem(str(error))


def _http_problem(error: urllib.error.HTTPError) -> Problem:
    """Takes detail and reason from a problem document (RFC 9457)."""
    try:
        document = json.load(error)
        return Problem(document["detail"], document["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return Problem(f"answers {error.code}")


def _trust_of_the_page() -> ssl.SSLContext:
    """Trusts the page's own certificate under any name, since a health check calls the page by its loopback address."""
    own = _tls_file("page.pem")
    context = ssl.create_default_context(cadata=own.decode() if own else None)
    if own:
        context.check_hostname = False
        context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN  # whoever signed it
    return context


def _tls_file(name: str) -> bytes | None:
    """Reads a file of services.common.process.tls. Its settings class is not used: importing it takes too long here."""
    folder = Path(os.environ.get("VERGER_TLS_FOLDER") or ".verger/tls")
    return (folder / name).read_bytes() if os.environ.get("VERGER_TLS") else None


def _grpc_problem(target: str, service: str, *, with_tls: bool) -> Problem | None:
    # Imported only here, so that frequent HTTP health checks start faster.
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    if with_tls:
        name = os.environ.get("VERGER_TLS_SERVER_NAME")
        try:
            credentials = grpc.ssl_channel_credentials(*map(_tls_file, ("ca.pem", "grpc.key", "grpc.pem")))
        except OSError as error:
            return Problem(str(error))
        options = [("grpc.ssl_target_name_override", name)] if name else []
        opened = grpc.secure_channel(target, credentials, options=options)
    else:
        opened = grpc.insecure_channel(target)
    request = health_pb2.HealthCheckRequest(service=service)
    with opened as channel:
        try:
            check = health_pb2_grpc.HealthStub(channel).Check
            answer, call = check.with_call(request, timeout=ATTEMPT_TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            return Problem(f"{error.code().name} {error.details()}".strip())
        reason = str(dict(call.trailing_metadata() or ()).get(REASON_METADATA_KEY, ""))
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return None if status == "SERVING" else Problem(reason or status, reason)


def main() -> int:
    """Runs the command line and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m services.common.process.health", description="Checks whether servers are ready"
    )
    parser.add_argument("address", nargs="+", help="grpc[s]://HOST:PORT/SERVICE or http[s]://HOST:PORT/PATH")
    parser.add_argument(
        "--wait",
        type=float,
        default=0,
        metavar="SECONDS",
        help="retry for up to this many seconds (default: check once)",
    )
    parser.add_argument(
        "--started", action="store_true", help="be content with servers that lack nothing but a version of the model"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="write a line for each server that is ready or has started"
    )
    options = parser.parse_args()
    problems = _wait(options)
    unready = {address: problem for address, problem in problems.items() if not _is_well(problem, options.started)}
    if unready:
        sys.stderr.writelines(f"{address} is not ready: {problem.text}\n" for address, problem in unready.items())
        return 1
    sys.stdout.writelines(
        f"{text}\n" for text in {problem.reason: problem.text for problem in problems.values()}.values()
    )
    return 0


def _wait(options: argparse.Namespace) -> dict[str, Problem]:
    """Returns the problems that are left when all servers are well or the time is over."""
    end = time.monotonic() + options.wait
    found: dict[str, Problem | None] = {}
    waiting = list(options.address)
    while True:
        found |= {address: problem_with(address) for address in waiting}
        well = [address for address in waiting if _is_well(found[address], options.started)]
        if options.verbose:
            sys.stdout.writelines(f"{address} {'has started' if found[address] else 'is ready'}\n" for address in well)
            sys.stdout.flush()
        waiting = [address for address in waiting if address not in well]
        if not waiting or time.monotonic() >= end:
            return {address: problem for address, problem in found.items() if problem}
        time.sleep(PAUSE_SECONDS)


def _is_well(problem: Problem | None, may_lack_version: bool) -> bool:
    return problem is None or (may_lack_version and problem.reason == NoVersionYet.reason)


if __name__ == "__main__":
    sys.exit(main())
