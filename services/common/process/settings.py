"""The settings that all services share. The config.py of each service adds its own."""

from typing import Literal

from pydantic import Field

from services.common.process.memory import memory_limit_bytes
from services.common.process.tls import TlsSettings


class ServiceSettings(TlsSettings):
    """Reads each field from the environment variable VERGER_<FIELD NAME>, or from .env in the working directory."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level of log lines that are written."""

    log_format: Literal["json", "console"] = "json"
    """One JSON object per line, or coloured text for people."""

    bind_address: str = "127.0.0.1"
    """Address that the servers listen on. Containers use 0.0.0.0 or [::]."""

    metrics_bind_address: str = "127.0.0.1"
    """Address that the metrics ports of gRPC services listen on. Containers use 0.0.0.0 for Prometheus."""

    drain_seconds: float = Field(default=15, ge=0, le=600)
    """Time that calls in flight get to end after SIGTERM, in seconds."""

    request_timeout_seconds: float = Field(default=10, gt=0, le=300)
    """Time limit, in seconds, of calls whose client sets no deadline and of all calls between services."""

    max_image_bytes: int = Field(default=20 * 2**20, ge=1024, le=2**30)
    """Largest encoded photo in bytes. The message limits of all servers and channels follow from it."""

    @property
    def is_internal(self) -> bool:
        """Whether only other services of Verger may call, which TLS asks for their certificates."""
        return False

    @property
    def max_message_bytes(self) -> int:
        """Largest gRPC message in bytes: the largest photo or tensor (1024 x 1024 x 3 float32), plus 1 MiB."""
        return max(self.max_image_bytes, 1024 * 1024 * 3 * 4) + 2**20

    @property
    def max_received_bytes(self) -> int:
        """Largest gRPC message that a server reads, in bytes.

        gRPC refuses a larger one with RESOURCE_EXHAUSTED, which clients retry. A photo of up to twice the limit is read
        to tell its sender IMAGE_TOO_LARGE instead.
        """
        return max(2 * self.max_image_bytes, self.max_message_bytes) + 2**20

    @property
    def message_budget_bytes(self) -> int:
        """Memory for all messages that a server reads or answers, in bytes: an eighth of the limit, at most 192 MiB."""
        return max(3 * self.max_received_bytes, min(192 * 2**20, memory_limit_bytes() // 8))
