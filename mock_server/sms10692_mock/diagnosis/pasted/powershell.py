"""Commands of PowerShell: `Invoke-WebRequest` and `Invoke-RestMethod`."""

import re
from typing import Final

from sms10692_mock.codec.forms import FORM
from sms10692_mock.diagnosis.pasted.literals import POWERSHELL as QUOTING
from sms10692_mock.diagnosis.pasted.literals import read_pairs, read_string
from sms10692_mock.diagnosis.pasted.request import (
    Headers,
    NotARequest,
    PastedRequest,
    TextForm,
    build_request,
    encode_text,
    join_pairs,
)

_NAME: Final = r"(?:Invoke-WebRequest|Invoke-RestMethod|iwr|irm)(?![\w-])"
_COMMAND: Final = re.compile(rf"(?:PS [^>\n]*>\s*)?(?:\$\w+\s*=\s*)?\(?{_NAME}", re.IGNORECASE)
_NEXT: Final = re.compile(rf"(?<!`)\r?\n\s{{0,9}}(?=(?:\$\w{{1,40}}\s{{0,9}}=\s{{0,9}})?{_NAME})", re.IGNORECASE)
_WORD: Final = re.compile(r"""[^\s"'$@`(]+""")
_TABLE: Final = re.compile(r"@\{\s*")
_VARIABLE: Final = re.compile(r"\$\w+|\(")


def _parse(text: str) -> PastedRequest:
    first, *further = _NEXT.split(re.sub(r"`\r?\n", " ", text))
    url = _read_option(first, "Uri") or _read_positional(first)
    if not url:
        raise NotARequest("no-url", "Invoke-WebRequest")
    headers = Headers()
    if table := _find_option(first, "Headers"):
        opening = _TABLE.match(first, table)
        if opening is not None:
            headers += read_pairs(first, opening.end(), QUOTING)
    body = _read_body(first)
    content_type = _read_option(first, "ContentType")
    if not content_type and body is not None:
        content_type = FORM
    if content_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", content_type))
    method = (_read_option(first, "Method") or "GET").upper()
    if method == "GET" and body:  # PowerShell adds the pairs of a table to the URL
        url, body = f"{url}{'&' if '?' in url else '?'}{body}", ""
    return build_request(method, url, headers, encode_text(body or ""))._replace(ignored=len(further))


def _find_option(source: str, name: str) -> int | None:
    """Return the index of the value of an option. PowerShell accepts the beginning of a name."""
    found = re.compile(rf"\s-{name}[ \t:]\s*", re.IGNORECASE).search(source)
    return None if found is None else found.end()


def _read_option(source: str, name: str) -> str:
    start = _find_option(source, name)
    return "" if start is None else _read_word(source, start, name)


def _read_word(source: str, start: int, name: str) -> str:
    """Return the value at an index: a string or a word. Raises NotARequest for a variable."""
    if string := read_string(source, start, QUOTING):
        return string.text
    if _VARIABLE.match(source, start):
        raise NotARequest("variable", name)
    word = _WORD.match(source, start)
    return word[0] if word else ""


def _read_positional(source: str) -> str:
    """Return the URL that stands directly behind the name of the command."""
    command = _COMMAND.match(source)
    start = command.end() if command else 0
    while source[start : start + 1].isspace():
        start += 1
    return "" if source[start : start + 1] == "-" else _read_word(source, start, "Uri")


def _read_body(source: str) -> str | None:
    start = _find_option(source, "Body")
    if start is None:
        return None
    if table := _TABLE.match(source, start):
        return join_pairs(read_pairs(source, table.end(), QUOTING))
    return _read_word(source, start, "Body")


POWERSHELL: Final = TextForm(_COMMAND.match, _parse)
