"""The settings of the web service."""

from typing import Self

from pydantic import Field, model_validator

from services.common.process.settings import ServiceSettings


class WebSettings(ServiceSettings):
    """Adds what only the web service needs."""

    web_port: int = Field(default=8000, ge=0, le=65535)
    """Port of the page and the REST API. 0 takes a free one."""

    preprocess_target: str = "localhost:50051"
    """Where the preprocess service answers, in gRPC's name syntax; dns:///NAME:PORT shares calls between replicas."""

    max_files_per_request: int = Field(default=32, ge=1, le=1000)
    """Most photos in one REST request."""

    max_request_bytes: int = Field(default_factory=lambda given: 5 * given["max_image_bytes"], ge=1024, le=2**33)
    """Largest body of one request, all of its photos together. Default: five photos of the largest size."""

    max_buffered_bytes: int = Field(default_factory=lambda given: 3 * given["max_request_bytes"], ge=1024, le=2**36)
    """Photos held in memory at once, over all requests; whoever would exceed it is told to come back (429).
    Default: three of the largest requests."""

    @model_validator(mode="after")
    def _limits_hold_each_other(self) -> Self:
        if not self.max_image_bytes < self.max_request_bytes <= self.max_buffered_bytes:
            raise ValueError(
                "The limits must grow: VERGER_MAX_IMAGE_BYTES, VERGER_MAX_REQUEST_BYTES, VERGER_MAX_BUFFERED_BYTES."
            )
        return self
