"""Error messages for missing optional packages, with the `pip` command that installs them.

**A message must never advise installing `sms10692` by name.** The name is not registered on a public package index:
`pip` would install the package of whoever registers it.
"""

import re
from importlib.util import find_spec
from typing import Final

_EXTRA: Final = re.compile(r"""\bextra\s*==\s*['"]([\w.-]+)['"]""")


def install_command(extra: str) -> str:
    """Return a `pip` command that installs the packages of an extra, each by its own name.

    If sms10692 itself is not installed (no metadata), return the command for a source checkout.
    """
    from importlib import metadata  # slow to import and used only here

    try:
        requirements = metadata.requires("sms10692") or []
    except metadata.PackageNotFoundError:
        requirements = []
    packages = []
    for requirement in requirements:
        specifier, _, marker = requirement.partition(";")
        if extra in _EXTRA.findall(marker):
            packages.append(f'"{specifier.strip()}"')
    if not packages:
        return f'pip install ".[{extra}]" in the source folder of sms10692'
    return f"pip install {' '.join(packages)}"


def missing_package(package: str | None, extra: str) -> str:
    """Return the error message for a package that cannot be imported."""
    name = (package or "a package").partition(".")[0]
    return f"{name} is missing; install the packages of the extra [{extra}]: {install_command(extra)}"


def find_missing(*packages: str) -> str | None:
    """Return the first of these packages that is not installed, or None. Imports none of them."""
    for package in packages:
        try:
            spec = find_spec(package)
        except ValueError:  # sys.modules has an entry without __spec__
            spec = None
        if spec is None:
            return package
    return None
