"""Runs moto, an emulator of AWS, with the additions in moto_gaps.py.

    python -m tests.support.aws.moto_server PORT     serves on loopback until it is killed

moto stores resources and returns them. It runs no tasks or databases, and enforces no policies.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.common.process.health import problem_with
from tests.support.aws.moto_gaps import fill_gaps
from tests.support.servers.mlflow_server import free_port
from tests.support.waiting import wait_until

REGION = "eu-west-3"


@dataclass(frozen=True)
class MotoServer:
    """A running emulator."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that make Terraform, the AWS CLI and boto3 use only this emulator."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_PAGER": "",
        }


@contextmanager
def running_moto(log: Path) -> Iterator[MotoServer]:
    """Runs an empty AWS account for the duration of a block."""
    port = free_port()
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", __name__, str(port)], stdout=file, stderr=file)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: problem_with(f"{url}/moto-api/") is None, seconds=120, what="moto")
        yield MotoServer(url)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Serves until it is killed."""
    from moto.server import main as serve

    fill_gaps()
    serve(["-H", "127.0.0.1", "-p", sys.argv[1]])


if __name__ == "__main__":
    main()
