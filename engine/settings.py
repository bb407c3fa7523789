"""Where every program of Verger takes its settings from, and the number of cores that it may use."""

import loky
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Reads each field from the environment variable VERGER_ + its name, or from .env in the working directory.

    An empty value counts as not set. Each program's config.py adds its own fields.
    """

    model_config = SettingsConfigDict(
        env_prefix="VERGER_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )


def available_cores() -> int:
    """Cores that this process may use, at least 1: the smaller of the container's CPU quota and the affinity mask."""
    return int(loky.cpu_count())
