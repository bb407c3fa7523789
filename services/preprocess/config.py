"""Settings of the preprocess service."""

from pydantic import Field

from engine.photo.decoding import MAX_PIXELS
from engine.settings import available_cores
from services.common.process.settings import ServiceSettings


class PreprocessSettings(ServiceSettings):
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

    preprocess_max_in_flight: int = Field(default=32, ge=1, le=10_000)
    """Photos that may be in flight, waiting or being answered. Further ones are refused with RESOURCE_EXHAUSTED.

    The default is a quarter of a second's work for two cores. With more cores, set it higher in proportion.
    """
