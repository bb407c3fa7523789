"""TLS between services: which certificate a process shows, and whose certificates it accepts."""

import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from pydantic import model_validator

from engine.settings import Settings


class TlsSettings(Settings):
    """The certificates of gRPC servers and channels. Files are PEM. They are read once, when the process starts."""

    tls_certificate_file: Path | None = None
    """Certificate chain of this process. With it, its gRPC server uses TLS; channels show it to servers that ask."""

    tls_key_file: Path | None = None
    """Private key of tls_certificate_file, without a password."""

    tls_ca_file: Path | None = None
    """Certificates that gRPC servers must be signed by. With it, channels and health checks use TLS."""

    tls_client_ca_file: Path | None = None
    """Certificates that clients must be signed by. With it, the gRPC server refuses clients without a certificate."""

    tls_server_name: str | None = None
    """Name in the certificates of gRPC servers, where they are called by another one."""

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        require_pair(self, "tls_certificate_file", "tls_key_file")
        if self.tls_certificate_file and not self.tls_ca_file:
            raise ValueError(
                "VERGER_TLS_CERTIFICATE_FILE is set without VERGER_TLS_CA_FILE, by which the services and the health "
                "checks recognise each other. Set both, or neither."
            )
        if self.tls_client_ca_file and not self.tls_certificate_file:
            raise ValueError(
                "VERGER_TLS_CLIENT_CA_FILE asks clients for certificates, which needs TLS. "
                "Set VERGER_TLS_CERTIFICATE_FILE and VERGER_TLS_KEY_FILE, too."
            )
        for name in ("tls_ca_file", "tls_client_ca_file"):
            require_certificates(self, name)
        return self

    def channel_certificates(self) -> Mapping[str, bytes | None]:
        """Arguments of grpc.ssl_channel_credentials. Without tls_ca_file, the channel trusts well-known authorities."""
        return {
            "root_certificates": content(self.tls_ca_file),
            "private_key": content(self.tls_key_file),
            "certificate_chain": content(self.tls_certificate_file),
        }

    def channel_options(self) -> Sequence[tuple[str, str]]:
        """Options of a channel with these certificates."""
        return [("grpc.ssl_target_name_override", self.tls_server_name)] if self.tls_server_name else []


def require_pair(settings: Settings, certificate: str, key: str) -> None:
    """Checks that a certificate and its key are both set and belong together, or that neither is set.

    Args:
        settings: has two fields with paths.
        certificate: name of the field with the certificate chain.
        key: name of the field with the private key.

    Raises:
        ValueError: they are not; the message names the variables.
    """
    files = getattr(settings, certificate), getattr(settings, key)
    names = variable(certificate), variable(key)
    if (files[0] is None) != (files[1] is None):
        given, missing = names if files[0] else reversed(names)
        raise ValueError(f"{given} is set without {missing}. TLS needs both; without either there is no TLS.")
    if files[0] is None:
        return
    try:
        # An empty password makes a key that needs one an error, instead of a question on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files, password="")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{names[0]}={files[0]} and {names[1]}={files[1]} are not a certificate in PEM and its key without a "
            f"password: {error}"
        ) from error


def require_certificates(settings: Settings, field: str) -> None:
    """Checks that a file holds certificates, if it is set.

    Raises:
        ValueError: it does not; the message names the variable.
    """
    file = getattr(settings, field)
    try:
        if file is not None:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:
        raise ValueError(f"{variable(field)}={file} does not hold certificates in PEM: {error}") from error


def variable(field: str) -> str:
    """The environment variable of a field."""
    return f"VERGER_{field.upper()}"


def content(file: Path | None) -> bytes | None:
    """The bytes of a file, if one is set."""
    return file.read_bytes() if file else None
