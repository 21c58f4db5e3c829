"""Snippets: a send in six languages, for this very server and one of its accounts, to paste and run.

Here belongs filling them in: how each language writes a text. The programs are `templates/snippets`.
"""

import json
import re
from collections.abc import Mapping
from functools import cache, partial
from typing import Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from sms10692 import protocol
from sms10692_mock.admin.services.accounts import AccountDocument
from sms10692_mock.app.shell_quoting import printf_format, quote_text

LANGUAGES: Final[Mapping[str, str]] = {
    "curl": "curl",
    "python": "Python",
    "php": "PHP",
    "java": "Java",
    "csharp": "C#",
    "node": "Node",
}
"""By the name of the file, each with its own name."""

_ASCII: Final = re.compile(r"[\0-\x7f]+")


def snippets(account: AccountDocument, host: str) -> dict[str, str]:
    """The programs, by the names of `LANGUAGES`."""
    return {name: snippet(name, account, host) for name in LANGUAGES}


def snippet(name: str, account: AccountDocument, host: str) -> str:
    """One program that sends a message for this account, to the server at this address."""
    template = _environment().get_template(f"{name}.txt")
    return template.render(
        userid=account.userid, account=account.account, password=account.password, url=f"{host}{protocol.V2SMS.path}"
    )


@cache
def _environment() -> Environment:
    environment = Environment(  # noqa: S701 - these are programs; a page escapes them as it does every text
        loader=PackageLoader(__package__, "templates/snippets"), undefined=StrictUndefined
    )
    environment.filters |= {
        "sh": quote_text,
        "printf": _format_printf,
        "percent": partial(quote, safe=""),
        "py": repr,
        "php": quote_php,
        # Java, C# and JavaScript read all that JSON escapes, which is everything but printable ASCII.
        "json": json.dumps,
    }
    return environment


def _format_printf(text: str) -> str:
    """A text as the format of a printf, without the quotes; letters of every language stay readable."""
    if text.isprintable():
        return _ASCII.sub(lambda run: printf_format(run[0].encode()), text)
    return printf_format(text.encode())


def quote_php(text: str) -> str:
    r"""A text as a literal of PHP's.

    >>> print(quote_php("it's $1"), quote_php("\x1b$1\\"))
    'it\'s $1' "\x1b\$1\\"
    """
    if text.isprintable():
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return '"' + "".join(map(_escape_php, text)) + '"'


def _escape_php(letter: str) -> str:
    if letter in '"$\\':
        return f"\\{letter}"
    return letter if letter.isprintable() else "".join(f"\\x{byte:02x}" for byte in letter.encode())
