"""All commands, and the exit codes of errors."""

import signal
import sys

import typer

from bulk.cli.classify import classify
from bulk.cli.console import show_error
from engine.errors import InvalidArgument, VergerError

app = typer.Typer(
    help="Classifies many photos from folders, lists and object storage, without a server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(classify)


@app.callback()
def _keep_commands_named() -> None:
    """Without a callback, Typer would make the only command the program itself."""


def main() -> None:
    """Runs a command. Exit codes: 0 success, 1 something is unavailable or broken, 2 wrong usage, 130 stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopping the container ends a run as Ctrl-C does
    try:
        app()
    except VergerError as error:
        show_error(error.reason, str(error))
        sys.exit(2 if isinstance(error, InvalidArgument) else 1)
    except ModuleNotFoundError as error:
        show_error(
            "PACKAGE_MISSING",
            f"This needs the package {error.name}, which is not installed. requirements/bulk.txt and "
            "requirements/bulk-ray.txt name what belongs together.",
        )
        sys.exit(1)
