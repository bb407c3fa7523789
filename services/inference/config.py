"""Settings of the inference service."""

from pathlib import Path

from pydantic import Field

from engine.settings import available_cores
from registry.settings import RegistrySettings
from services.common.process.settings import ServiceSettings


class InferenceSettings(RegistrySettings, ServiceSettings):
    """See ServiceSettings for where values come from."""

    inference_port: int = Field(default=50052, ge=0, le=65535)
    """gRPC port; 0 takes a free one."""

    inference_metrics_port: int = Field(default=9102, ge=0, le=65535)
    """Prometheus port, path /metrics; 0 takes a free one."""

    model_poll_seconds: float = Field(default=2, ge=0.1, le=300)
    """How often the registry is asked whether the alias has moved."""

    model_cache_directory: Path = Path(".verger/models")
    """Verified local copies of model versions; with one in it the service starts without MLflow."""

    inference_workers: int = Field(default_factory=available_cores, ge=1, le=256)
    """Forward passes that run side by side, one core each. Default: the cores that this container may use."""

    inference_max_in_flight: int = Field(default=128, ge=1, le=10_000)
    """Tensors being answered or waiting; one more is refused with RESOURCE_EXHAUSTED."""
