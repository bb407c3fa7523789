"""Where the server is, and what opens it."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_SCHEMES = {"grpc": (True, False), "grpcs": (True, True), "http": (False, False), "https": (False, True)}


@dataclass(frozen=True)
class Address:
    """The address of a server."""

    is_grpc: bool
    is_secure: bool
    """Whether the connection is encrypted (TLS)."""

    target: str
    """host:port for gRPC; the URL without its path for REST."""

    ca_file: Path | None = None
    """Certificates to trust instead of the machine's own."""

    def trusted(self) -> bytes | None:
        """Returns the certificates to trust (PEM), or None for the machine's own. Raises OSError."""
        return self.ca_file.read_bytes() if self.ca_file else None


def parse_address(text: str, ca_file: str | Path | None = None) -> Address:
    """Reads an address: host:port or grpc://host:port, grpcs://host:port, http://host:port, https://host.

    Raises:
        ValueError: this is no address of Verger.
    """
    parts = urlsplit(text if "://" in text else f"grpc://{text}")
    kind = _SCHEMES.get(parts.scheme)
    if kind is None or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(
            f"{text!r} is no address. Give host:port or grpcs://host:port for gRPC, http://host:port or https://host "
            "for REST."
        )
    is_grpc, is_secure = kind
    if is_grpc and parts.port is None:
        raise ValueError(f"{text!r} lacks a port. Verger's gRPC is on 50051 by default.")
    target = parts.netloc if is_grpc else f"{parts.scheme}://{parts.netloc}"
    return Address(is_grpc, is_secure, target, Path(ca_file) if ca_file else None)
