"""Settings of the services that ask for keys, and of the command."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from services.access.keys import Scope
from services.common.process.settings import ServiceSettings


class AccessSettings(ServiceSettings):
    """ServiceSettings describes where values come from."""

    access: Literal["open", "keys"] = "open"
    """Whether everybody may call, or only who sends a key."""

    public_scopes: Literal["", "classify"] = ""
    """What everybody may do without a key, although keys are asked for."""

    home: Path = Path(".verger")
    """Folder of all data of ./launch.sh."""

    access_database_url: SecretStr | None = Field(default=None)
    """Database of the keys: sqlite:////FOLDER/access.db, or postgresql://USER@HOST/DATABASE with the password in the
    file that PGPASSFILE names. By default access/access.db in `home`."""

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
