"""Makes the database's password when a system starts for the first time, so that it stands in no file of the project.

usage: python credentials.py FOLDER

Writes for the database FOLDER/password, and for its client, MLflow, FOLDER/pgpass in PostgreSQL's own format
(https://www.postgresql.org/docs/current/libpq-pgpass.html). A password that is there already stays.
"""

import os
import secrets
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Makes both files, readable for their owner only."""
    password = folder / "password"
    if password.exists():
        return
    value = secrets.token_urlsafe(32)
    _write(folder / "pgpass", f"*:*:*:*:{value}\n")
    _write(password, value)  # last: an interrupted start begins again


def _write(path: Path, content: str) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    new.replace(path)


main(Path(sys.argv[1]))
