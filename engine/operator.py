"""Who runs a command, for the audit and for MLflow."""

import os
import pwd

MAX_NAME_CHARACTERS = 100


def operator_name() -> str:
    """Returns VERGER_OPERATOR if it is set, as in containers, where all operators are the same user.

    Otherwise it is the name of the user of the operating system who runs this process, or a number if there is no name.
    The result has at most MAX_NAME_CHARACTERS printable characters.
    """
    given = "".join(letter for letter in os.environ.get("VERGER_OPERATOR", "") if letter.isprintable()).strip()
    try:
        name = given or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"user {os.getuid()}"
    return name[:MAX_NAME_CHARACTERS]
