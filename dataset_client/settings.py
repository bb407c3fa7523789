"""Settings of every program that asks the collection for dataset versions."""

from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from engine.settings import Settings


class DatasetClientSettings(Settings):
    """Where the collection is, and what it asks for."""

    collection_target: str = "127.0.0.1:50053"
    """gRPC address of the collection."""

    key: SecretStr | None = None
    """The key to show where keys are asked for: with the scope train to read versions, review to make and import."""

    tls: Literal["on"] | None = None
    """on: the connection uses TLS."""

    tls_folder: Path = Path(".verger/tls")
    """Folder with ca.pem, by which the certificate of the collection must be signed."""

    tls_server_name: str | None = None
    """Name in the certificate of the collection, where it is called by another one."""
