"""The command that installs the packages of an optional extra.

The name `sms10692` is not registered on a public package index, so a message must never advise to install it by name:
whoever registers the name would be installed.
"""

import re
from importlib.util import find_spec
from typing import Final

_EXTRA: Final = re.compile(r"""\bextra\s*==\s*['"]([\w.-]+)['"]""")


def install_command(extra: str) -> str:
    """Return a `pip` command that installs the packages of this extra, each by its own name.

    Without the metadata of an installed package it is the command for a source checkout.
    """
    from importlib import metadata  # slow to import, and needed for this message alone

    try:
        listed = metadata.requires("sms10692") or []
    except metadata.PackageNotFoundError:
        listed = []
    needed = []
    for requirement in listed:
        specifier, _, marker = requirement.partition(";")
        if extra in _EXTRA.findall(marker):
            needed.append(f'"{specifier.strip()}"')
    return f"pip install {' '.join(needed)}" if needed else f'pip install ".[{extra}]" in the source folder of sms10692'


def missing_package(package: str | None, extra: str) -> str:
    """Return the message for a package that cannot be imported, with the command that installs it."""
    name = (package or "a package").partition(".")[0]
    return f"{name} is missing; install the packages of the extra [{extra}]: {install_command(extra)}"


def find_missing(*packages: str) -> str | None:
    """Return the first of these packages that cannot be imported, without importing any."""
    for package in packages:
        try:
            found = find_spec(package)
        except ValueError:  # an entry of sys.modules without a specification
            found = None
        if found is None:
            return package
    return None
