"""Calls of `fetch`, as browsers copy them from their developer tools, and as scripts write them."""

import json
import re
from typing import Final

from sms10692_mock.codec.forms import FORM
from sms10692_mock.diagnosis.pasted.literals import JAVASCRIPT, read_pairs, read_string
from sms10692_mock.diagnosis.pasted.request import (
    Headers,
    NotARequest,
    PastedRequest,
    TextForm,
    build_request,
    encode_text,
    join_pairs,
)

_CALL: Final = re.compile(r"(?:[\w ]{0,40}=)?\s{0,9}(?:(?:await|return)\s{1,9})?(?:window\.)?fetch\(\s*")
_NEXT: Final = re.compile(r";?[ \t\r]{0,9}\n\s{0,9}(?=(?:await )?fetch\()")
_OPTION: Final = r"""(?<![\w-])["']?{}["']?\s*:\s*"""
_METHOD: Final = re.compile(_OPTION.format("method"))
_HEADERS: Final = re.compile(_OPTION.format("headers") + r"(?:new Headers\(\s*)?\{")
_BODY: Final = re.compile(_OPTION.format("body"))
_BUILDER: Final = re.compile(r"(new URLSearchParams|JSON\.stringify|new FormData)\(\s*\{?")


def _parse(text: str) -> PastedRequest:
    first, *further = _NEXT.split(text)
    call = _CALL.match(first)
    url = None if call is None else read_string(first, call.end(), JAVASCRIPT)
    if url is None:
        raise NotARequest("no-url", "fetch")
    headers, method = Headers(), "GET"
    if found := _HEADERS.search(first, url.end):
        headers += read_pairs(first, found.end(), JAVASCRIPT)
    if (found := _METHOD.search(first, url.end)) and (word := read_string(first, found.end(), JAVASCRIPT)):
        method = word.text.upper()
    found = _BODY.search(first, url.end)
    body, default_type = ("", "") if found is None else _read_body(first, found.end())
    if default_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", default_type))
    return build_request(method, url.text, headers, encode_text(body))._replace(ignored=len(further))


def _read_body(source: str, start: int) -> tuple[str, str]:
    """Return the body, and the Content-Type that `fetch` gives to it."""
    if source.startswith("null", start):
        return "", ""
    if string := read_string(source, start, JAVASCRIPT):
        return string.text, "text/plain;charset=UTF-8"
    builder = _BUILDER.match(source, start)
    if builder is None or builder[1] == "new FormData":
        raise NotARequest("variable", "body")
    pairs = list(read_pairs(source, builder.end(), JAVASCRIPT))
    if builder[1] == "JSON.stringify":
        return json.dumps(dict(pairs), ensure_ascii=False), "text/plain;charset=UTF-8"
    if string := read_string(source, builder.end(), JAVASCRIPT):
        return string.text, f"{FORM};charset=UTF-8"
    return join_pairs(pairs), f"{FORM};charset=UTF-8"


FETCH: Final = TextForm(_CALL.match, _parse)
