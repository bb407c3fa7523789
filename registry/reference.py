"""Finds a model version by what the command line calls it, and downloads its files."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from verger.v1 import model_pb2

from engine.contract import CONTRACT_FILE, read_contract
from engine.errors import VersionUnknown
from engine.version import VersionDirectory, open_version
from registry.settings import VersionSettings

if TYPE_CHECKING:
    from registry.models import Registry

Role = model_pb2.ModelFile.Role

_MODEL_URI = re.compile(r"(?:models:/)?(?P<name>[^/@]+)(?:/(?P<version>\d+)|@(?P<alias>[\w.-]+))")


@contextmanager
def opened(
    reference: str, roles: Sequence[Role], settings: VersionSettings
) -> Iterator[tuple[model_pb2.ModelRef, VersionDirectory]]:
    """Opens a version with the files of these roles. A copy from MLflow is deleted at the end of the block.

    Its number is empty where the registry gave it none.

    Args:
        reference: "release", a directory, a version number, an alias such as "champion", NAME@ALIAS, NAME/VERSION, or
            one of the last two behind models:/.

    Raises:
        VersionUnknown: there is no such version.
        ModelCorrupt, ContractUnsupported: see open_version.
        RegistryUnavailable: MLflow does not answer.
    """
    if reference == "release" or Path(reference).is_dir():
        folder = settings.release_dir if reference == "release" else Path(reference)
        yield model_pb2.ModelRef(name=folder.resolve().name), open_version(folder)
    else:
        registry, version = _find(reference, settings)
        with tempfile.TemporaryDirectory(prefix="verger-") as copy:
            ref = model_pb2.ModelRef(name=registry.name, version=version)
            yield ref, fetch(registry, version, roles, Path(copy))


def fetch(registry: "Registry", version: str, roles: Sequence[Role], folder: Path) -> VersionDirectory:
    """Downloads a version's contract and its files of these roles into a folder. Raises the errors of `opened`."""
    home = f"models:/{registry.name}/{version}"
    registry.download(f"{home}/{CONTRACT_FILE}", folder)
    for file in read_contract(folder / CONTRACT_FILE).files:
        if file.role in roles:
            registry.download(f"{home}/{file.path}", folder)
    return open_version(folder)


def _find(reference: str, settings: VersionSettings) -> "tuple[Registry, str]":
    from registry.models import Registry  # and with it MLflow, which takes a second that a directory need not

    match = _MODEL_URI.fullmatch(reference)
    name = match["name"] if match else settings.model_name
    version, alias = (match["version"], match["alias"]) if match else (None, reference)
    registry = Registry(settings.mlflow_url, name)
    registry.wait()
    if version is None and alias and alias.isdecimal():
        version = alias
    if version is None:
        version = registry.aliases().get(alias)
    if version is None:
        raise VersionUnknown(
            f'There is no version "{reference}". Name a directory, "release", a version number, an alias such as '
            f'"champion", {name}@champion or {name}/1.'
        )
    return registry, version
