"""Settings of the collection service."""

from pathlib import Path

from pydantic import Field, SecretStr

from engine.photo.opening import MAX_PIXELS
from services.access.config import AccessSettings


class CollectionSettings(AccessSettings):
    """ServiceSettings describes where values come from."""

    collection_port: int = Field(default=50053, ge=0, le=65535)
    """gRPC port; 0 takes a free one."""

    collection_metrics_port: int = Field(default=9103, ge=0, le=65535)
    """Prometheus port, path /metrics; 0 takes a free one."""

    collection_database_url: SecretStr | None = Field(default=None)
    """Database of the collection: sqlite:////FOLDER/collection.db, or postgresql://USER@HOST/DATABASE with the password
    in the file that PGPASSFILE names. By default collection/collection.db in `home`."""

    collection_photos_url: str = ""
    """Folder of the photos, or its address for fsspec, such as s3://BUCKET/FOLDER. By default collection/photos in
    `home`."""

    collection_days: int = Field(default=365, ge=1, le=3650)
    """Days for which a photo is kept. Then it is deleted with all that is known of it."""

    collection_max_in_flight: int = Field(default=16, ge=1, le=1000)
    """Calls that may be in progress. Further ones are refused with RESOURCE_EXHAUSTED."""

    collection_decode_seconds: float = Field(default=10, gt=0, le=300)
    """Time limit of preparing one photo, in seconds."""

    collection_decode_bytes: int = Field(default=384 * 2**20, ge=64 * 2**20)
    """Memory for preparing one photo, in bytes. Photos that need more are refused."""

    max_image_pixels: int = Field(default=64_000_000, ge=1024, le=MAX_PIXELS)
    """Largest photo in pixels, width times height."""

    @property
    def collection_database(self) -> str:
        """Address of the database, with its password if there is one."""
        if self.collection_database_url:
            return self.collection_database_url.get_secret_value()
        return f"sqlite:///{self._folder / 'collection.db'}"

    @property
    def collection_photos(self) -> str:
        """Address of the photos."""
        return self.collection_photos_url or str(self._folder / "photos")

    @property
    def _folder(self) -> Path:
        return self.home.resolve() / "collection"
