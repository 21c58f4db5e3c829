"""Code snippets: a program in each of seven languages that sends a message to this server with one of its accounts.

The programs are in `templates/snippets`, in a folder for each authentication: with a signature, or with account and
password in clear. This module quotes the values for each language.
"""

import json
import re
from collections.abc import Mapping
from functools import cache, partial
from typing import Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from sms10692 import protocol
from sms10692.protocol import Authentication
from sms10692_mock.admin.services.accounts import AccountDocument
from sms10692_mock.app.shell_quoting import printf_format, quote_text
from sms10692_mock.domain.profiles import MANUAL, Profile
from sms10692_mock.domain.sample_text import build_sample_text

LANGUAGES: Final[Mapping[str, str]] = {
    "curl": "curl",
    "python": "Python",
    "php": "PHP",
    "java": "Java",
    "csharp": "C#",
    "node": "Node",
    "go": "Go",
}
"""Display names, by the name of the template."""

_TEXT: Final = "您的验证码是 1234"
"""A text without characters that a language escapes."""

_ASCII: Final = re.compile(r"[\0-\x7f]+")


def snippets(
    account: AccountDocument,
    host: str,
    authentication: Authentication = protocol.SIGNED,
    profile: Profile = MANUAL,
) -> dict[str, str]:
    """Render all programs, by the keys of `LANGUAGES`."""
    return {name: snippet(name, account, host, authentication, profile) for name in LANGUAGES}


def snippet(
    name: str,
    account: AccountDocument,
    host: str,
    authentication: Authentication = protocol.SIGNED,
    profile: Profile = MANUAL,
) -> str:
    """Render one program for this account, whose text its profile accepts; `host` is the URL without a path."""
    endpoint = next(one for one in protocol.SEND.endpoints if one.authentication is authentication)
    template = snippet_environment().get_template(f"{authentication.name}/{name}.txt")
    return template.render(
        userid=account.userid,
        account=account.account,
        password=account.password,
        url=f"{host}{endpoint.path}",
        content=build_sample_text(profile, _TEXT, is_signed=True),
    )


@cache
def snippet_environment() -> Environment:
    """Return the environment of the templates, with a filter for the literals of each language."""
    environment = Environment(  # noqa: S701 - the programs are not HTML; the pages escape them like every text
        loader=PackageLoader(__package__, "templates/snippets"), undefined=StrictUndefined
    )
    environment.filters |= {
        "sh": quote_text,
        "printf": _format_printf,
        "percent": partial(quote, safe=""),
        "py": repr,
        "php": quote_php,
        "php_header": quote_php_header,
        # Java, C# and JavaScript accept all JSON escapes. json.dumps escapes everything but printable ASCII.
        "json": json.dumps,
        "go": quote_go,
    }
    return environment


def _format_printf(text: str) -> str:
    """Escape a text for the format of printf, without quotes. Printable characters of all scripts stay readable."""
    if text.isprintable():
        return _ASCII.sub(lambda run: printf_format(run[0].encode()), text)
    return printf_format(text.encode())


def quote_go(text: str) -> str:
    r"""Write a text as a Go string literal: as JSON, but Go has no surrogate pairs.

    >>> print(quote_go('"\u202e😀'))
    "\"\u202e\U0001f600"
    """
    literals = ((character, json.dumps(character)[1:-1]) for character in text)
    return '"' + "".join(f"\\U{ord(one):08x}" if ord(one) > 0xFFFF else literal for one, literal in literals) + '"'


def quote_php(text: str) -> str:
    r"""Write a text as a PHP string literal.

    >>> print(quote_php("it's $1"), quote_php("\x1b$1\\"))
    'it\'s $1' "\x1b\$1\\"
    """
    if text.isprintable():
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return '"' + "".join(map(_escape_php_character, text)) + '"'


def quote_php_header(text: str) -> str:
    r"""Write the text of a header, whose characters are bytes, as a PHP string literal.

    >>> print(quote_php_header("a'\xc4"))
    "a'\xc4"
    """
    if text.isascii():
        return quote_php(text)
    return '"' + "".join(_escape_php_character(one) if one.isascii() else f"\\x{ord(one):02x}" for one in text) + '"'


def _escape_php_character(character: str) -> str:
    if character in '"$\\':
        return f"\\{character}"
    return character if character.isprintable() else "".join(f"\\x{byte:02x}" for byte in character.encode())
