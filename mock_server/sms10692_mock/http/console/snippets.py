"""Snippets: a send in six languages, for this very server and one of its accounts, to paste and run.

Here belongs filling them in: how each language writes a text. The programs are `templates/snippets`.
"""

import json
import shlex
from collections.abc import Mapping
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from sms10692_mock.control.accounts import AccountDocument

LANGUAGES: Final[Mapping[str, str]] = {
    "curl": "curl",
    "python": "Python",
    "php": "PHP",
    "java": "Java",
    "csharp": "C#",
    "node": "Node",
}
"""By the name of the file, each with its own name."""


def snippets(account: AccountDocument, host: str) -> dict[str, str]:
    """The programs, by the names of `LANGUAGES`."""
    return {name: snippet(name, account, host) for name in LANGUAGES}


def snippet(name: str, account: AccountDocument, host: str) -> str:
    """One program that sends a message for this account, to the server at this address."""
    template = _environment().get_template(f"{name}.txt")
    return template.render(userid=account.userid, account=account.account, password=account.password, host=host)


@cache
def _environment() -> Environment:
    environment = Environment(  # noqa: S701 - these are programs; a page escapes them as it does every text
        loader=PackageLoader(__package__, "templates/snippets"), undefined=StrictUndefined
    )
    environment.filters |= {"sh": shlex.quote, "py": repr, "php": _in_php, "java": json.dumps}
    return environment


def _in_php(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
