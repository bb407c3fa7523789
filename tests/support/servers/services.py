"""Services as processes of their own."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def service(name: str, folder: Path, settings: dict[str, str]) -> AsyncIterator[Process]:
    """Runs services.NAME with these settings, and kills it at the end."""
    environment = os.environ | settings | {"PYTHONPATH": os.getcwd()}  # the working directory has no .env file
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{name}", cwd=folder, env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
