"""All commands, and the exit codes of errors."""

import signal
import sys

import typer
from rich.markup import escape

from engine.errors import InvalidArgument, VergerError
from trainer.cli.console import NOTES
from trainer.cli.evaluate import evaluate
from trainer.cli.fetch import fetch
from trainer.cli.predict import predict
from trainer.cli.release import import_release, release
from trainer.cli.train import train
from trainer.cli.versions import list_versions, promote, rollback

app = typer.Typer(
    help="Trains image classifiers and manages their versions in MLflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (train, evaluate, predict, promote, rollback):
    app.command()(command)
app.command("list")(list_versions)
app.command("import-release")(import_release)
app.command()(release)
app.command()(fetch)


def main() -> None:
    """Runs a command. Exit codes: 0 success, 1 something is unavailable or broken, 2 wrong usage, 130 stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopping the container ends a run as Ctrl-C does
    try:
        app()
    except VergerError as error:
        NOTES.print(f"[bold red]{error.reason}[/] {escape(str(error))}")
        sys.exit(2 if isinstance(error, InvalidArgument) else 1)
    except ModuleNotFoundError as error:
        NOTES.print(
            f"[bold red]PACKAGE_MISSING[/] This command needs the package {error.name}, which is not installed. "
            "./launch.sh --trainer has it; otherwise install requirements/trainer.txt."
        )
        sys.exit(1)
