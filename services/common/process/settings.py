"""The settings that all services have. Each service's config.py adds its own."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from engine.settings import Settings


class ServiceSettings(Settings):
    """Read from the environment (VERGER_ + the field's name) and from an .env file in the working directory."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe log lines that are written."""

    log_format: Literal["json", "console"] = "json"
    """One JSON object a line, or coloured text for people."""

    bind_address: str = "127.0.0.1"
    """Address that the servers listen on; 0.0.0.0 or [::] in a container."""

    drain_seconds: float = Field(default=15, ge=0, le=600)
    """How long calls in flight may go on after SIGTERM."""

    request_timeout_seconds: float = Field(default=10, gt=0, le=300)
    """Time limit of a call whose client sets none, and of every call between services."""

    max_image_bytes: int = Field(default=20 * 2**20, ge=1024, le=2**30)
    """Largest encoded photo. The message limits of all servers and channels follow from it."""

    tls_certificate_file: Path | None = None
    """PEM certificate chain of the gRPC servers; with tls_key_file it turns TLS on."""

    tls_key_file: Path | None = None
    """PEM private key that belongs to tls_certificate_file."""

    tls_ca_file: Path | None = None
    """PEM certificates to trust. Set: channels use TLS, and servers with TLS ask clients for a certificate too."""

    @property
    def max_message_bytes(self) -> int:
        """Largest gRPC message: a photo or a tensor of 1024x1024 float32 pixels, and room for the other fields."""
        return max(self.max_image_bytes, 1024 * 1024 * 3 * 4) + 2**20
