"""Who runs a command, for the audit and for MLflow."""

import os
import pwd

MAX_NAME_CHARACTERS = 100


def operator_name() -> str:
    """Returns VERGER_OPERATOR if it is set, else the name of the user of the operating system who runs this process.

    In containers, this user has no name, and is the same for all operators. There it is USER, which compose takes from
    who calls it; without that, the user's number. The result has at most MAX_NAME_CHARACTERS printable characters.
    """
    name = _printable(os.environ.get("VERGER_OPERATOR", ""))
    if not name:
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            name = _printable(os.environ.get("USER", "")) or f"user {os.getuid()}"
    return name[:MAX_NAME_CHARACTERS]


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()
