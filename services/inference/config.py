"""Settings of the inference service."""

from pathlib import Path

from pydantic import Field, SecretStr

from engine.settings import available_cores
from registry.settings import RegistrySettings
from services.common.process.settings import ServiceSettings


class InferenceSettings(RegistrySettings, ServiceSettings):
    """ServiceSettings describes where values come from."""

    @property
    def is_internal(self) -> bool:
        """Preprocess alone calls inference."""
        return True

    inference_port: int = Field(default=50052, ge=0, le=65535)
    """gRPC port; 0 takes a free one."""

    inference_metrics_port: int = Field(default=9102, ge=0, le=65535)
    """Prometheus port, path /metrics; 0 takes a free one."""

    model_poll_seconds: float = Field(default=2, ge=0.1, le=300)
    """Interval, in seconds, at which the registry is asked whether the champion has changed."""

    model_cache_directory: Path = Path(".verger/models")
    """Directory of verified copies of model versions. With a copy, the service starts without MLflow."""

    access_database_url: SecretStr | None = None
    """Database of the audit, in which what happens to versions is written down; without it, nothing is."""

    inference_workers: int = Field(default_factory=available_cores, ge=1, le=256)
    """Forward passes that run at the same time, one core each. The default is the cores that this process may use."""

    inference_max_in_flight: int = Field(default=128, ge=1, le=10_000)
    """Tensors that may be in flight, waiting or being answered. Further ones are refused with RESOURCE_EXHAUSTED."""
