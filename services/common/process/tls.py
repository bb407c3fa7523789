"""TLS by one switch, VERGER_TLS=on: which certificates a process shows, and whose it accepts.

They are files with fixed names in one folder, which scripts/certificates.py fills and renews. Whoever has certificates
of their own puts them there under the same names. Files that have changed are read again for the next connection.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Generic, Literal, NamedTuple, Self, TypeVar

import structlog
from pydantic import model_validator

from engine.settings import Settings

log = structlog.get_logger(__name__)

Made = TypeVar("Made")


class Pair(NamedTuple):
    """The files of a certificate chain and of its key, in PEM and without a password."""

    certificate: Path
    key: Path

    @classmethod
    def named(cls, folder: Path, name: str) -> Self:
        """Returns the files with this name in a folder."""
        return cls(folder / f"{name}.pem", folder / f"{name}.key")

    def context(self) -> ssl.SSLContext:
        """Returns the context of a server with this pair.

        Raises:
            OSError, ValueError: a file is missing, or they are no pair.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # An empty password makes a key that needs one an error, instead of a question on the terminal.
        context.load_cert_chain(*self, password="")
        return context


class TlsSettings(Settings):
    """The switch and the folder."""

    tls: Literal["on"] | None = None
    """on: gRPC and the page use TLS, and only processes with a certificate of Verger's authority may call inference."""

    tls_folder: Path = Path(".verger/tls")
    """Folder with grpc.pem and grpc.key (certificate chain and key of the services), ca.pem (what these are signed by),
    page.pem and page.key (of the page)."""

    tls_server_name: str | None = None
    """Name in the certificates of gRPC servers, where they are called by another one."""

    @property
    def grpc_pair(self) -> Pair:
        """Certificate and key of the services."""
        return Pair.named(self.tls_folder, "grpc")

    @property
    def authority(self) -> Path:
        """The certificates that those of the services are signed by."""
        return self.tls_folder / "ca.pem"

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if self.tls:
            require_pair(self.grpc_pair)
            require_certificates(self.authority)
        return self

    def channel_certificates(self) -> Mapping[str, bytes]:
        """Arguments of grpc.ssl_channel_credentials."""
        certificate, key = read_pair(self.grpc_pair)
        return {
            "root_certificates": self.authority.read_bytes(),
            "private_key": key,
            "certificate_chain": certificate,
        }

    def channel_options(self) -> Sequence[tuple[str, str]]:
        """Options of a channel with these certificates."""
        return [("grpc.ssl_target_name_override", self.tls_server_name)] if self.tls_server_name else []


class Fresh(Generic[Made]):
    """Something that is made of files, and made again when these have changed. While they are no pair, as in the middle
    of a change, the one before stays.
    """

    def __init__(self, files: Sequence[Path], make: Callable[[], Made]) -> None:
        """Makes it for the first time; `make` raises OSError or ValueError if it can't."""
        self._files, self._make = files, make
        self._stamp = self._look()
        self.value = make()

    def renew(self) -> bool:
        """Makes it again if the files have changed. Returns whether it did."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        try:
            self.value = self._make()
        except (OSError, ValueError) as error:
            log.warning("the certificates that are there now can't be used", message=str(error))
            return False
        self._stamp = stamp
        log.info("new certificates", files=[file.name for file in self._files])
        return True

    def _look(self) -> tuple[tuple[int, int], ...]:
        found = []
        for file in self._files:
            try:
                status = file.stat()
            except OSError:
                found.append((0, 0))
            else:
                found.append((status.st_ino, status.st_mtime_ns))
        return tuple(found)


def page_context(pair: Pair) -> ssl.SSLContext:
    """Returns the context of the page. Each new connection gets the certificate that is there now.

    Raises:
        OSError, ValueError: a file is missing, or they are no pair.
    """
    fresh = Fresh(pair, pair.context)
    context = fresh.value

    def choose(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        fresh.renew()
        connection.context = fresh.value

    context.sni_callback = choose
    return context


def read_pair(pair: Pair) -> tuple[bytes, bytes]:
    """Returns the contents of both files.

    Raises:
        OSError, ValueError: a file is missing, or they are no pair.
    """
    pair.context()
    return pair.certificate.read_bytes(), pair.key.read_bytes()


def require_pair(pair: Pair) -> None:
    """Checks that a certificate and its key are there and belong together.

    Raises:
        ValueError: they are not; the message names the files.
    """
    try:
        pair.context()
    except (OSError, ValueError) as error:
        raise ValueError(
            f"VERGER_TLS is on, but {pair.certificate} and {pair.key} are not a certificate in PEM and its key without "
            f"a password: {error}. ./launch.sh and docker compose make them where they are missing."
        ) from error


def require_certificates(file: Path) -> None:
    """Checks that a file holds certificates.

    Raises:
        ValueError: it does not; the message names the file.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:
        raise ValueError(f"VERGER_TLS is on, but {file} does not hold certificates in PEM: {error}") from error


def variable(field: str) -> str:
    """The environment variable of a field."""
    return f"VERGER_{field.upper()}"
