"""Checks whether servers are ready. Container health checks, launch.sh and people use it.

    python -m services.common.process.health --wait 60 grpc://localhost:50051/verger.v1.ClassifierService \
        http://localhost:8000/readyz

The exit status is 0 when all servers are ready. Otherwise it is 1, and stderr has a line for each server that is not
ready. TLS is not supported.
"""

import argparse
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

ATTEMPT_TIMEOUT_SECONDS = 3.0
PAUSE_SECONDS = 0.2
"""Pause between two attempts of --wait."""


def problem_with(address: str) -> str | None:
    """Checks one server once.

    Args:
        address: grpc://HOST:PORT/SERVICE for the gRPC health protocol (without SERVICE, the process itself), or an
            http:// URL that answers 200 when the server is ready.

    Returns:
        None when the server is ready, else a description of the problem.
    """
    parts = urlsplit(address)
    if parts.scheme == "grpc":
        return _grpc_problem(parts.netloc, parts.path.strip("/"))
    try:
        with urllib.request.urlopen(address, timeout=ATTEMPT_TIMEOUT_SECONDS):  # noqa: S310  # addresses come from the operator
            return None
    except urllib.error.HTTPError as error:
        return f"answers {error.code}"
    except OSError as error:
        return str(error)


def _grpc_problem(target: str, service: str) -> str | None:
    import grpc  # imported only here, so that frequent HTTP health checks start faster
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    request = health_pb2.HealthCheckRequest(service=service)
    with grpc.insecure_channel(target) as channel:
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
    parser.add_argument("address", nargs="+", help="grpc://HOST:PORT/SERVICE or http://HOST:PORT/PATH")
    parser.add_argument(
        "--wait",
        type=float,
        default=0,
        metavar="SECONDS",
        help="retry for up to this many seconds (default: check once)",
    )
    options = parser.parse_args()
    end = time.monotonic() + options.wait
    waiting = list(options.address)
    while waiting:
        problems = {address: problem for address in waiting if (problem := problem_with(address))}
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
