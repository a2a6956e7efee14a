"""Where the archives' password comes from."""

import getpass
import os
import sys
from pathlib import Path

from fvc.errors import MissingInputError, OptionError

ENVIRONMENT_VARIABLE = "FVC_ARCHIVE_PASSWORD"
# Published with the corpus's own instructions: it keeps no secret.
PUBLISHED_PASSWORD = "m3v3r!@"


def find_password(password: str | None = None, password_file: Path | None = None) -> str:
    """Find the password: as given, from a file, from the environment, or the published one.

    Parameters
    ----------
    password
        The password itself (from code; a command line can be read by others), or ``"-"``, which
        asks for it on a terminal and reads a line of standard input elsewhere.
    password_file
        A file whose first line is the password.

    Raises
    ------
    OptionError
        Both are given, or the password is empty.
    MissingInputError
        The file cannot be read.
    """
    if password is not None and password_file is not None:
        raise OptionError("give password or password_file, not both")
    if password_file is not None:
        try:
            lines = password_file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise MissingInputError("cannot read the password", path=password_file) from error
        return _checked(lines[0] if lines else "", f"the first line of {password_file}")
    if password == "-":
        if sys.stdin.isatty():
            return _checked(getpass.getpass("Password of the archives: "), "the password")
        return _checked(sys.stdin.readline().rstrip("\r\n"), "the line on standard input")
    if password is not None:
        return _checked(password, "the password")
    return os.environ.get(ENVIRONMENT_VARIABLE) or PUBLISHED_PASSWORD


def _checked(password: str, what: str) -> str:
    if not password:
        raise OptionError(f"{what} is empty")
    return password
