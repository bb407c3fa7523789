"""Creates the password of the database at the first start, so that no file of the project contains it.

usage: python credentials.py FOLDER

Writes FOLDER/password for the database, and FOLDER/pgpass for its client, MLflow, in PostgreSQL's format
(https://www.postgresql.org/docs/current/libpq-pgpass.html). An existing password is kept. The database runs as another
user, who may read the password by its group.
"""

import os
import secrets
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Writes both files, which strangers can't read."""
    password = folder / "password"
    if not password.exists():
        value = secrets.token_urlsafe(32)
        _write(folder / "pgpass", f"*:*:*:*:{value}\n")
        _write(password, value)  # written last, so that an interrupted start is repeated
    password.chmod(0o640)


def _write(path: Path, content: str) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    new.replace(path)


main(Path(sys.argv[1]))
