"""Checks whether servers are ready. Container health checks, launch.sh and people use it.

    python -m services.common.process.health --wait 60 grpc://localhost:50051/verger.v1.ClassifierService \
        http://localhost:8000/readyz

The exit status is 0 when all servers are ready. Otherwise it is 1, and stderr has a line for each server that is not
ready. With grpcs:// and https:// it uses TLS: for gRPC with the certificates that the services use, see
services.common.process.tls; where VERGER_WEB_TLS_CERTIFICATE_FILE is set, HTTPS trusts this certificate alone.
"""

import argparse
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

ATTEMPT_TIMEOUT_SECONDS = 3.0
PAUSE_SECONDS = 0.2
"""Pause between two attempts of --wait."""


def problem_with(address: str) -> str | None:
    """Checks one server once.

    Args:
        address: grpc://HOST:PORT/SERVICE for the gRPC health protocol (without SERVICE, the process itself), or an
            http:// URL that answers 200 when the server is ready. grpcs:// and https:// use TLS.

    Returns:
        None when the server is ready, else a description of the problem.
    """
    parts = urlsplit(address)
    if parts.scheme in ("grpc", "grpcs"):
        return _grpc_problem(parts.netloc, parts.path.strip("/"), with_tls=parts.scheme == "grpcs")
    context = _trust_of_the_page() if parts.scheme == "https" else None
    try:
        with urllib.request.urlopen(address, timeout=ATTEMPT_TIMEOUT_SECONDS, context=context):  # noqa: S310  # addresses come from the operator
            return None
    except urllib.error.HTTPError as error:
        return f"answers {error.code}"
    except OSError as error:
        return str(error)


def _trust_of_the_page() -> ssl.SSLContext:
    """Trusts the page's own certificate under any name, since a health check calls the page by its loopback address."""
    own = os.environ.get("VERGER_WEB_TLS_CERTIFICATE_FILE")
    context = ssl.create_default_context(cafile=own or None)
    if own:
        context.check_hostname = False
        context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN  # whoever signed it
    return context


def _tls_file(kind: str) -> bytes | None:
    """Reads a file of services.common.process.tls. Its settings class is not used: importing it takes too long here."""
    path = os.environ.get(f"VERGER_TLS_{kind}_FILE")
    return Path(path).read_bytes() if path else None


def _grpc_problem(target: str, service: str, *, with_tls: bool) -> str | None:
    # Imported only here, so that frequent HTTP health checks start faster.
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    if with_tls:
        name = os.environ.get("VERGER_TLS_SERVER_NAME")
        try:
            credentials = grpc.ssl_channel_credentials(*map(_tls_file, ("CA", "KEY", "CERTIFICATE")))
        except OSError as error:
            return str(error)
        options = [("grpc.ssl_target_name_override", name)] if name else []
        opened = grpc.secure_channel(target, credentials, options=options)
    else:
        opened = grpc.insecure_channel(target)
    request = health_pb2.HealthCheckRequest(service=service)
    with opened as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=ATTEMPT_TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            return f"{error.code().name} {error.details()}".strip()
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return None if status == "SERVING" else status


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
    parser.add_argument("--verbose", action="store_true", help="write a line for each server that is ready")
    options = parser.parse_args()
    end = time.monotonic() + options.wait
    waiting = list(options.address)
    while waiting:
        problems = {address: problem for address in waiting if (problem := problem_with(address))}
        if options.verbose:
            sys.stdout.writelines(f"{address} is ready\n" for address in waiting if address not in problems)
            sys.stdout.flush()
        waiting = list(problems)
        if waiting and time.monotonic() >= end:
            for address, problem in problems.items():
                sys.stderr.write(f"{address} is not ready: {problem}\n")
            return 1
        if waiting:
            time.sleep(PAUSE_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
