"""`trainer promote` and `trainer rollback`."""

from trainer.cli.console import RESULTS
from trainer.cli.options import Version, load_settings, reachable_registry


def promote(version: Version) -> None:
    """Makes a version champion by hand; the champion before becomes `previous`."""
    before = reachable_registry(load_settings()).promote(version)
    RESULTS.print(f"Version {version} is champion{f'; before it was version {before}' if before else ''}.")


def rollback() -> None:
    """Makes the previous champion champion again. A second rollback undoes the first."""
    old, new = reachable_registry(load_settings()).rollback()
    RESULTS.print(f"Version {new} is champion again; version {old} is kept as previous.")
