"""Terraform's provider for AWS as one process that many commands attach to, as its own developers do to debug it.

Else each command starts its 700 MB several times anew, which takes longer than what the command itself does.
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
    """The same workspace, for commands that run one after the other: each tells the provider its settings anew."""
    (program,) = plugins.glob("*/hashicorp/aws/*/*/terraform-provider-aws_*")
    log = workspace.folder / "provider.log"
    environment = {**workspace.variables, "TF_LOG_SDK": "off", "TF_LOG_PROVIDER": "off"}  # it would tell each step
    with log.open("wb") as file:
        process = subprocess.Popen([program, "-debug"], env=environment, stdout=file, stderr=file)
    try:
        wait_until(lambda: ADDRESS.search(log.read_text()), 60, "the provider's address")
        yield replace(workspace, variables={**workspace.variables, **dict(ADDRESS.findall(log.read_text()))})
    finally:
        process.terminate()
        process.wait()
