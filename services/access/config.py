"""Settings of the services that ask for keys, and of the command."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from services.access.keys import Scope
from services.access.quotas.policy import Limits, Policy
from services.common.process.addresses import is_loopback
from services.common.process.settings import ServiceSettings

MAX_LIMIT = 2**50


class AccessSettings(ServiceSettings):
    """ServiceSettings describes where values come from."""

    access: Literal["open", "keys"] | None = None
    """open: everybody may call; keys: only who sends a key. By default, a service that this machine alone reaches is
    open, and any other asks for keys."""

    access_command: str = "python -m services.access"
    """The command that makes keys, as people call it; for messages."""

    public_scopes: Literal["", "classify"] = ""
    """What everybody may do without a key, although keys are asked for."""

    key_photos_per_minute: int = Field(default=0, ge=0, le=MAX_LIMIT)
    """Photos that one key may send within a minute; 0: as many as it likes."""

    key_bytes_per_minute: int = Field(default=0, ge=0, le=MAX_LIMIT)
    """Bytes that one key may send within a minute; 0: as many as it likes."""

    key_calls_at_once: int = Field(default=0, ge=0, le=MAX_LIMIT)
    """Photos, requests with several, or streams of one key that each process answers at a time; 0: any number."""

    address_photos_per_minute: int = Field(default=0, ge=0, le=MAX_LIMIT)
    """Photos without a key of one IPv4 address or IPv6 /64 network, where classification is public; 0: no limit."""

    address_bytes_per_minute: int = Field(default=0, ge=0, le=MAX_LIMIT)
    """Bytes without a key, likewise."""

    address_calls_at_once: int = Field(default=0, ge=0, le=MAX_LIMIT)
    """Calls without a key, likewise."""

    trusted_proxies: str = "127.0.0.1"
    """Addresses and networks of proxies, with commas between them, whose word is taken for who calls (X-Forwarded-For
    and X-Forwarded-Proto, in gRPC x-forwarded-for); * for all."""

    home: Path = Path(".verger")
    """Folder of all data of ./launch.sh."""

    access_database_url: SecretStr | None = Field(default=None)
    """Database of the keys: sqlite:////FOLDER/access.db, or postgresql://USER@HOST/DATABASE with the password in the
    file that PGPASSFILE names. By default access/access.db in `home`."""

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        if self.policy.limits_anything and not self.asks_for_keys:
            raise ValueError(
                "Limits need to know who calls. Set VERGER_ACCESS=keys, and if everybody may classify, "
                "VERGER_PUBLIC_SCOPES=classify as well; or set all limits of keys and addresses to 0."
            )
        least = self.max_received_bytes
        for name, limit in (("KEY", self.key_bytes_per_minute), ("ADDRESS", self.address_bytes_per_minute)):
            if 0 < limit < least:
                raise ValueError(
                    f"VERGER_{name}_BYTES_PER_MINUTE must be 0 or at least {least:,}, because one message may have as "
                    "many bytes. Lower VERGER_MAX_IMAGE_BYTES if it should be less."
                )
        return self

    @property
    def asks_for_keys(self) -> bool:
        """Whether only who sends a key may call."""
        return self.access == "keys" if self.access else not is_loopback(self.bind_address)

    @property
    def policy(self) -> Policy:
        """The limits of keys and addresses."""
        return Policy(
            Limits(self.key_photos_per_minute, self.key_bytes_per_minute, self.key_calls_at_once),
            Limits(self.address_photos_per_minute, self.address_bytes_per_minute, self.address_calls_at_once),
        )

    @property
    def public(self) -> frozenset[Scope]:
        """The scopes in public_scopes."""
        return frozenset(map(Scope, self.public_scopes.split()))

    @property
    def access_database(self) -> str:
        """Address of the database, with its password if there is one."""
        if self.access_database_url:
            return self.access_database_url.get_secret_value()
        return f"sqlite:///{self.home.resolve() / 'access' / 'access.db'}"
