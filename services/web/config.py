"""The settings of the web service."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from services.common.process.settings import ServiceSettings
from services.common.process.tls import require_pair


class WebSettings(ServiceSettings):
    """The settings of all services, and those of the web service alone."""

    web_port: int = Field(default=8000, ge=0, le=65535)
    """Port of the page and the REST API. 0 means any free port."""

    preprocess_target: str = "localhost:50051"
    """Address of the preprocess service in gRPC's name syntax; dns:///NAME:PORT balances calls between replicas."""

    max_files_per_request: int = Field(default=32, ge=1, le=1000)
    """Most photos in one request."""

    max_request_bytes: int = Field(default_factory=lambda given: 5 * given["max_image_bytes"], ge=1024, le=2**33)
    """Largest body of one request, in bytes. The default is five times max_image_bytes."""

    max_buffered_bytes: int = Field(default_factory=lambda given: 3 * given["max_request_bytes"], ge=1024, le=2**36)
    """Most bytes of photos held in memory over all requests; a request that would exceed it is answered with 429.
    The default is three times max_request_bytes."""

    web_tls_certificate_file: Path | None = None
    """PEM certificate chain of the page. Together with web_tls_key_file it makes the page and the REST API HTTPS."""

    web_tls_key_file: Path | None = None
    """PEM private key of web_tls_certificate_file, without a password."""

    @model_validator(mode="after")
    def _check_certificate(self) -> Self:
        require_pair(self, "web_tls_certificate_file", "web_tls_key_file")
        return self

    @model_validator(mode="after")
    def _check_order_of_limits(self) -> Self:
        if not self.max_image_bytes < self.max_request_bytes <= self.max_buffered_bytes:
            raise ValueError(
                "VERGER_MAX_IMAGE_BYTES must be less than VERGER_MAX_REQUEST_BYTES, which must not be more than "
                "VERGER_MAX_BUFFERED_BYTES."
            )
        return self
