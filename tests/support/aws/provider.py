"""Runs Terraform's AWS provider as one process for many commands, as its developers do to debug it.

Otherwise each command starts the provider (700 MB) several times, which takes longer than the command itself.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.support.aws.workspace import Workspace
from tests.support.waiting import wait_until

ADDRESS = re.compile(r"(TF_REATTACH_PROVIDERS)='(.+)'")


@contextmanager
def with_running_provider(workspace: Workspace, plugins: Path) -> Iterator[Workspace]:
    """Yields the workspace with a running provider. Commands must run one at a time: each configures the provider."""
    (program,) = plugins.glob("*/hashicorp/aws/*/*/terraform-provider-aws_*")
    log = workspace.folder / "provider.log"
    environment = {**workspace.variables, "TF_LOG_SDK": "off", "TF_LOG_PROVIDER": "off"}  # it would log each step
    with log.open("wb") as file:
        process = subprocess.Popen([program, "-debug"], env=environment, stdout=file, stderr=file)
    try:
        wait_until(lambda: ADDRESS.search(log.read_text()), 60, "the provider's address")
        yield replace(workspace, variables={**workspace.variables, **dict(ADDRESS.findall(log.read_text()))})
    finally:
        process.terminate()
        process.wait()
