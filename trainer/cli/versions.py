"""`trainer list`, `trainer promote` and `trainer rollback`."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from registry.acts import Kind
from trainer.cli.console import RESULTS
from trainer.cli.options import Version, load_settings, reachable_registry

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


def list_versions() -> None:
    """Lists all versions, newest first: aliases, test figures, what the gate said, and whether pictures were few."""
    settings = load_settings()
    registry = reachable_registry(settings)
    versions, aliases = registry.versions(), registry.aliases()
    if not versions:
        RESULTS.print(f"{registry.name} has no version yet. Train one: {settings.train_command}")
    for version in versions:
        names = sorted(alias for alias, number in aliases.items() if number == str(version.version))
        RESULTS.print("\n".join(_lines_of(version, names)))


def _lines_of(version: "ModelVersion", aliases: Collection[str]) -> Iterator[str]:
    from registry.models import TAGGED_METRICS

    tags = version.tags
    registered = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield "  ".join([f"version {version.version}", *aliases, registered])
    figures = [f"{name.replace('_', ' ')} {tags[name]}" for name in ("accuracy", *TAGGED_METRICS) if name in tags]
    yield f"    {', '.join(figures)}"
    if "gate_reason" in tags:
        yield f"    {tags['gate_reason']}"
    if "few_pictures" in tags:
        yield f"    Few pictures: answers may be wrong. {tags['few_pictures']}"


def promote(version: Version) -> None:
    """Makes a version champion by hand; the champion before becomes `previous`."""
    registry = reachable_registry(load_settings())
    with registry.noting(Kind.PROMOTE, f"version {version}"):
        before = registry.promote(version)
    RESULTS.print(f"Version {version} is champion{f'; before it was version {before}' if before else ''}.")


def rollback() -> None:
    """Makes the previous champion champion again. A second rollback undoes the first."""
    registry = reachable_registry(load_settings())
    with registry.noting(Kind.ROLLBACK) as act:
        old, new = registry.rollback()
        act.end(subject=f"version {new}")
    RESULTS.print(f"Version {new} is champion again. A second rollback brings version {old} back.")
