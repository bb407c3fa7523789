"""Settings of bulk classification."""

from pydantic import Field

from engine.photo.opening import MAX_PIXELS, Limits
from engine.settings import available_cores
from registry.settings import VersionSettings


class BulkSettings(VersionSettings):
    """Settings from the environment (VERGER_ + the field's name) or from .env in the working directory.

    The limits of photos have the names and defaults that they have in the services.
    """

    max_image_bytes: int = Field(default=20 * 2**20, ge=1024, le=2**30)
    """Largest encoded photo in bytes."""

    max_image_pixels: int = Field(default=64_000_000, ge=1024, le=MAX_PIXELS)
    """Largest photo in pixels, width times height."""

    preprocess_decode_bytes: int = Field(default=384 * 2**20, ge=64 * 2**20)
    """Memory that decoding one photo may take, in bytes. Photos that need more are refused."""

    bulk_workers: int = Field(default_factory=available_cores, ge=1, le=1024)
    """Processes that classify, one core each. The default is the cores that this machine or container may use."""

    bulk_photo_seconds: float = Field(default=60, gt=0, le=3600)
    """Time limit of decoding and classifying one photo, in seconds. Its process is then killed and replaced."""

    @property
    def limits(self) -> Limits:
        """The largest photos to accept."""
        return Limits(self.max_image_bytes, self.max_image_pixels, self.preprocess_decode_bytes)
