"""The settings of the web service."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from services.access.config import AccessSettings
from services.common.process.tls import Pair, require_pair

HELD_TIMES = 3
"""How often a photo is in memory while it is classified: as received, in the gRPC request, and serialised."""


class WebSettings(AccessSettings):
    """The settings of all services, and those of the web service alone."""

    web_port: int = Field(default=8000, ge=0, le=65535)
    """Port of the page and the REST API. 0 means any free port."""

    preprocess_target: str = "localhost:50051"
    """Address of the preprocess service in gRPC's name syntax; dns:///NAME:PORT balances calls between replicas."""

    collection_target: str = ""
    """Address of the collection service in gRPC's name syntax. Without it, no photo is kept."""

    keep_photos: Literal["ask", "never", "always"] = "ask"
    """Whether photos are kept for review and training: those of visitors who tick a box, none, or all."""

    collection_days: int = Field(default=365, ge=1, le=3650)
    """Days for which the collection keeps a photo, as the page says it."""

    cors_origins: str = ""
    """Origins whose pages may call the API from a browser, separated by spaces; * for all. None by default."""

    web_lock_file: Path | None = None
    """File that the serving one of several web processes locks; the others wait. See spare.py."""

    max_files_per_request: int = Field(default=32, ge=1, le=1000)
    """Most photos in one request."""

    max_request_bytes: int = Field(default_factory=lambda given: 5 * given["max_image_bytes"], ge=1024, le=2**33)
    """Largest body of one request, in bytes. The default is five times max_image_bytes."""

    max_buffered_bytes: int = Field(default_factory=lambda given: 3 * given["max_request_bytes"], ge=1024, le=2**36)
    """Most bytes of memory for photos over all requests, of which each takes HELD_TIMES its size; a request that would
    exceed it is answered with 429. The default is three times max_request_bytes."""

    max_connections: int = Field(default=1000, ge=1, le=100_000)
    """Most open connections. One more closes the connection whose client has been silent the longest."""

    max_connections_per_address: int = Field(default=256, ge=1, le=100_000)
    """Most open connections of one IPv4 address or IPv6 /64 network, likewise. Behind a proxy all come from its one."""

    header_timeout_seconds: float = Field(default=10, gt=0, le=600)
    """Time in which a client must send the headers of a request, in seconds."""

    upload_timeout_seconds: float = Field(default=300, gt=0, le=3600)
    """Time in which a client must send the body of a request, in seconds."""

    @property
    def page_pair(self) -> Pair:
        """Certificate and key of the page and the REST API."""
        return Pair.named(self.tls_folder, "page")

    @property
    def keeps_photos(self) -> bool:
        """Whether photos may be given to the collection."""
        return bool(self.collection_target) and self.keep_photos != "never"

    @model_validator(mode="after")
    def _check_certificate(self) -> Self:
        if self.tls:
            require_pair(self.page_pair)
        return self

    @model_validator(mode="after")
    def _check_order_of_limits(self) -> Self:
        if not self.max_image_bytes < self.max_request_bytes <= self.max_buffered_bytes / HELD_TIMES:
            raise ValueError(
                "VERGER_MAX_IMAGE_BYTES must be less than VERGER_MAX_REQUEST_BYTES, and VERGER_MAX_BUFFERED_BYTES at "
                f"least {HELD_TIMES} times that."
            )
        return self
