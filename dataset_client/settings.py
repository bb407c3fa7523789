"""Settings of every program that asks the collection for dataset versions."""

from pathlib import Path

from pydantic import SecretStr

from engine.settings import Settings


class DatasetClientSettings(Settings):
    """Where the collection is, and what it asks for. Files are PEM."""

    collection_target: str = "127.0.0.1:50053"
    """gRPC address of the collection."""

    key: SecretStr | None = None
    """The key to show where keys are asked for: with the scope train to read versions, review to make and import."""

    tls_ca_file: Path | None = None
    """Certificates that the collection must be signed by. With it, the connection uses TLS."""

    tls_certificate_file: Path | None = None
    """Certificate to show where one is asked for."""

    tls_key_file: Path | None = None
    """Private key of tls_certificate_file."""

    tls_server_name: str | None = None
    """Name in the certificate of the collection, where it is called by another one."""
