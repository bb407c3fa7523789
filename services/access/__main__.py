"""Makes, lists, rotates and revokes keys, makes links to sign in with, and shows the audit: see --help.

A new key or link is the only thing on stdout, once, so that it can go straight into a file. Keys are never arguments,
which other users of the machine could read in the list of processes; the commands take their ids.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from services.access.config import AccessSettings
from services.access.database import DatabaseUnusable, open_database
from services.access.keys import MAX_LABEL_CHARACTERS, Key, Scope, Secret, is_label, looks_secret
from services.access.store import KeyStore, KeyUnusable
from services.common.process.start import problems_of

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
MAX_DAYS = 3650

NOT_ASKED = (
    "As the settings of this command are, VERGER_ACCESS and VERGER_BIND_ADDRESS, nobody is asked for a key. Set "
    "VERGER_ACCESS=keys, in .env for example, and start again."
)

FIRST_NAME = "admin"
"""Name and owner of the key that “first” makes."""


class CommandSettings(AccessSettings):
    """The settings of all that use keys, and those of the command."""

    page_url: str = "http://localhost:8000"
    """Address of the page in the browser of who runs the command, for links."""


_COLUMNS = "{:<12}  {:<20}  {:<20}  {:<8}  {:<16}  {:<16}  {}\n"
_AUDIT_COLUMNS = "{:<19}  {:<16}  {:<11}  {:<12}  {:<13}  {}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status: 0, 1 if it could not be done, 2 if it was not understood."""
    options = _parser().parse_args(arguments)
    try:
        settings = CommandSettings()
    except ValidationError as error:
        return _failed(*problems_of(error), status=2)
    try:
        store = KeyStore(open_database(settings.access_database))
        try:
            options.run(store, options, settings)
        finally:
            store.close()
    except (KeyUnusable, DatabaseUnusable) as error:
        return _failed(str(error))
    except SQLAlchemyError as error:
        away = f"The database of keys does not answer ({type(error).__name__}). Check that it runs."
        # In containers, the database is made only where keys are asked for.
        return _failed(*([] if settings.asks_for_keys else [NOT_ASKED]), away)
    if options.run not in (_list, _log, _first) and not settings.asks_for_keys:
        sys.stderr.write(f"{NOT_ASKED}\n")
    return 0


def _make(store: KeyStore, options: argparse.Namespace, _: CommandSettings) -> None:
    _hand_out(store.make(options.name, options.owner, frozenset(options.scope), options.expires_in))


def _first(store: KeyStore, options: argparse.Namespace, settings: CommandSettings) -> None:
    if store.has_keys() or not settings.asks_for_keys:
        return
    secret = store.make(FIRST_NAME, FIRST_NAME, frozenset({Scope.ADMIN}), None)
    with os.fdopen(os.open(options.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{secret.text}\n")
    _print_link(store.make_link(secret.id), settings)


def _link(store: KeyStore, options: argparse.Namespace, settings: CommandSettings) -> None:
    _print_link(store.make_link(options.id), settings)


def _print_link(token: str, settings: CommandSettings) -> None:
    """Writes the link. Browsers send nobody what follows the #, so the token is in no log of a server or a proxy."""
    sys.stderr.write("Open this link to sign in. It works once, and for an hour.\n")
    sys.stdout.write(f"{settings.page_url}/sign-in#{token}\n")


def _rotate(store: KeyStore, options: argparse.Namespace, _: CommandSettings) -> None:
    _hand_out(store.rotate(options.id, options.overlap))


def _revoke(store: KeyStore, options: argparse.Namespace, _: CommandSettings) -> None:
    key = store.revoke(options.id)
    sys.stderr.write(f"The key {key.id} (“{key.name}”) is revoked, within 5 seconds everywhere.\n")


def _list(store: KeyStore, *_: object) -> None:
    loaded = store.load()
    sys.stdout.write(_COLUMNS.format("ID", "NAME", "OWNER", "STATE", "EXPIRES (UTC)", "LAST USED (UTC)", "SCOPES"))
    for key in (loaded.keys or {}).values():
        times = (_minute(key.expires_at, "never"), _minute(key.last_used_at, "never"))
        state = _state(key, loaded.now)
        sys.stdout.write(_COLUMNS.format(key.id, key.name, key.owner, state, *times, " ".join(sorted(key.scopes))))


def _log(store: KeyStore, options: argparse.Namespace, _: CommandSettings) -> None:
    if not options.json:
        sys.stdout.write(_AUDIT_COLUMNS.format("WHEN (UTC)", "WHO", "ACTION", "SUBJECT", "RESULT", "DETAILS"))
    for entry in store.audit(options.since, options.key):
        if options.json:
            sys.stdout.write(f"{json.dumps(entry.as_json(), ensure_ascii=False)}\n")
            continue
        when = f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if entry.at else ""
        details = ", ".join(f"{name}: {value}" for name, value in (*entry.details.items(), ("place", entry.place)))
        sys.stdout.write(_AUDIT_COLUMNS.format(when, entry.who, entry.action, entry.subject, entry.result, details))


def _hand_out(secret: Secret) -> None:
    sys.stdout.write(f"{secret.text}\n")
    sys.stderr.write(f"This is the only time that the key is shown. Its id is {secret.id}.\n")


def _state(key: Key, now: datetime) -> str:
    if key.is_live(now):
        return "live"
    return "revoked" if key.revoked_at else "expired"


def _minute(moment: datetime | None, otherwise: str) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else otherwise


def _failed(*sentences: str, status: int = 1) -> int:
    for sentence in sentences:
        sys.stderr.write(f"{sentence}\n")
    return status


def _duration(text: str) -> timedelta:
    form = re.fullmatch(r"([1-9]\d{0,6})([mhd])", text)
    length = int(form[1]) * _UNITS[form[2]] if form else timedelta(0)
    if not timedelta(0) < length <= timedelta(days=MAX_DAYS):
        raise argparse.ArgumentTypeError(f"a number of minutes, hours or days, such as 90d; at most {MAX_DAYS}d")
    return length


def _lifetime(text: str) -> timedelta | None:
    return None if text == "never" else _duration(text)


def _label(text: str) -> str:
    if not is_label(text) or looks_secret(text):
        raise argparse.ArgumentTypeError(f"1 to {MAX_LABEL_CHARACTERS} characters on one line")
    return text


def _scope(text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no scope; these are: {', '.join(Scope)}") from None


def _identity(text: str) -> str:
    if looks_secret(text):  # the message does not repeat it, but the list of processes has shown it already
        raise argparse.ArgumentTypeError("a key's id alone, the part after “verger_”; make a new key, others saw this")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.access", description="Keys for Verger's API")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    make = commands.add_parser("make", help="make a key and print it once")
    make.add_argument("--name", type=_label, required=True, help="what the key is for")
    make.add_argument("--owner", type=_label, required=True, help="who answers for it")
    make.add_argument(
        "--scope",
        type=_scope,
        metavar="SCOPE",
        required=True,
        action="append",
        help=f"what it may be used for; may be repeated: {', '.join(Scope)}",
    )
    make.add_argument(
        "--expires-in", type=_lifetime, default="365d", help="for example 12h or 90d, or never (default: 365d)"
    )
    make.set_defaults(run=_make)
    commands.add_parser("list", help="show all keys, without their secrets").set_defaults(run=_list)
    rotate = commands.add_parser("rotate", help="make a successor of a key, which stays valid for a while")
    rotate.add_argument("id", type=_identity)
    rotate.add_argument(
        "--overlap", type=_duration, default="1d", help="how long the old key stays valid (default: 1d)"
    )
    rotate.set_defaults(run=_rotate)
    revoke = commands.add_parser("revoke", help="end the validity of a key")
    revoke.add_argument("id", type=_identity)
    revoke.set_defaults(run=_revoke)
    link = commands.add_parser("link", help="make a link that signs in on the page, once")
    link.add_argument(
        "id", nargs="?", type=_identity, help="of the key to sign in with (default: the oldest live one of all scopes)"
    )
    link.set_defaults(run=_link)
    first = commands.add_parser("first", help="where nobody has a key yet: make one of all scopes, and a link")
    first.add_argument("file", type=Path, help="where the key is kept")
    first.set_defaults(run=_first)
    log = commands.add_parser("log", help="show who changed which keys, who signed in, and which keys were refused")
    log.add_argument("--since", type=_duration, help="how far back, for example 7d (default: everything)")
    log.add_argument("--key", type=_identity, metavar="ID", help="what was done to this key, and what it was refused")
    log.add_argument("--json", action="store_true", help="write one JSON object a line")
    log.set_defaults(run=_log)
    return parser


if __name__ == "__main__":
    sys.exit(main())
