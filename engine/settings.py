"""The base class of all settings of Verger, and the number of cores that a process may use."""

import loky
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Reads each field from the environment variable VERGER_<FIELD NAME>, or from .env in the working directory.

    An empty value counts as not set. The config.py of each program adds its own fields.
    """

    model_config = SettingsConfigDict(
        env_prefix="VERGER_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )


def available_cores() -> int:
    """Returns the cores that this process may use, at least 1.

    It is the smaller of the container's CPU quota, rounded up, and the number of cores in the affinity mask.
    """
    return int(loky.cpu_count())
