"""Settings of the preprocess service."""

from pydantic import Field

from engine.photo.opening import MAX_PIXELS
from engine.settings import available_cores
from services.access.config import AccessSettings
from services.common.process.memory import memory_limit_bytes


class PreprocessSettings(AccessSettings):
    """ServiceSettings describes where values come from."""

    preprocess_port: int = Field(default=50051, ge=0, le=65535)
    """gRPC port; 0 takes a free one."""

    preprocess_metrics_port: int = Field(default=9101, ge=0, le=65535)
    """Prometheus port, path /metrics; 0 takes a free one."""

    inference_target: str = "localhost:50052"
    """Address of inference in gRPC's name syntax; dns:///inference:50052 shares the load between all replicas."""

    max_image_pixels: int = Field(default=64_000_000, ge=1024, le=MAX_PIXELS)
    """Largest photo in pixels, width times height. Pillow itself refuses more than 178 million."""

    preprocess_workers: int = Field(default_factory=available_cores, ge=1, le=256)
    """Photos that are decoded at the same time, one core each. The default is the cores that this process may use."""

    preprocess_heavy_workers: int = Field(default=2, ge=1, le=64)
    """Processes that decode heavy photos: those whose decoding is not known to be quick. The first one starts them."""

    preprocess_decode_seconds: float = Field(default=5, gt=0, le=300)
    """Time limit of decoding one heavy photo, in seconds. Its process is then killed and replaced."""

    preprocess_decode_bytes: int = Field(default=384 * 2**20, ge=64 * 2**20)
    """Memory for decoding heavy photos, for all of them together, in bytes. Photos that need more are refused.

    It is never more than a quarter of the container's memory limit; see decode_budget_bytes.
    """

    preprocess_max_in_flight: int = Field(default=32, ge=1, le=10_000)
    """Photos that may be in flight, waiting or being answered. Further ones are refused with RESOURCE_EXHAUSTED.

    Under overload fewer are accepted, down to min_places, by how long they wait. The default suits two cores: bursts of
    a quarter of a second's work. With more cores, set it higher in proportion.
    """

    @property
    def min_places(self) -> int:
        """Places that stay open under overload: four for each worker, which is enough to keep it at work."""
        return min(self.preprocess_max_in_flight, 4 * self.preprocess_workers)

    @property
    def decode_budget_bytes(self) -> int:
        """preprocess_decode_bytes, as far as the memory limit has room for it beside the service and its buffers."""
        return min(self.preprocess_decode_bytes, memory_limit_bytes() // 4)
