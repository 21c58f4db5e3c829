"""Raw HTTP, as tools and proxies show it."""

import re
from typing import Final

from sms10692 import protocol
from sms10692_mock.diagnosis.pasted.request import PastedRequest, Problem, TextForm, build_request, encode_text
from sms10692_mock.diagnosis.phrases import Phrase

_METHODS: Final = "GET|POST|HEAD|PUT|DELETE|PATCH|OPTIONS|CONNECT"
_BEGINNING: Final = re.compile(
    rf"[A-Za-z]+ [^\r\n]+ (?i:HTTP)/[0-9.]+\s*(?:\r?\n|$)|(?:{_METHODS}) ++(?:\S++$|\S[^\r\n]*+\r?\n[A-Za-z-]++ *+:)"
)
"""A request line, or a method and a URL without a version."""

_VERSION: Final = re.compile(r"\sHTTP/[0-9.]+$", re.IGNORECASE)

_NEXT: Final = re.compile(rf"\n(?=(?:{_METHODS}) [^\r\n]+ HTTP/1[.][01]\s*\n)")
"""The end of a request that another one follows."""


def _parse(text: str) -> PastedRequest:
    whole, *further = _NEXT.split(text.lstrip().replace("\r\n", "\n"))
    head, _, rest = whole.partition("\n\n")
    first, *lines = head.split("\n")
    first = first.rstrip()
    version = _VERSION.search(first)
    method, _, target = first[: version.start() if version else None].partition(" ")
    target = target.strip()
    headers = [(name.strip(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    lower = {name.lower(): value for name, value in reversed(headers)}
    length = lower.get("content-length", "")
    path = target.partition("?")[0].lower()
    body = _choose_body(rest, length, is_gbk=path.endswith(protocol.V2SMS_GBK.path.lower()))
    problems: list[Problem] = []
    if lower.get("transfer-encoding", "").lower() == "chunked":
        body, problem = _decode_chunks(body)
        problems += [("http.chunk", problem)] if problem else []
    elif length.isascii() and length.isdigit():
        if int(length) < len(body):
            problems.append(("http.length-too-small", f"{length} / {len(body)}"))
        elif int(length) > len(body):
            problems.append(("http.body-stalled", f"{len(body)} / {length}"))
    elif body and not length and "host" in lower:  # with Host, the head is probably whole
        problems.append(("habit.length-missing",))
    pasted = build_request(method.upper(), target, headers, body, problems)._replace(ignored=len(further))
    return (
        pasted._replace(head=encode_text("\r\n".join((_HTTP2.sub("HTTP/1.1", first), *lines, "")))) if lines else pasted
    )


_HTTP2: Final = re.compile(r"(?<= )HTTP/[23](?:\.0)?$")
"""The version in the text that tools show for a request of HTTP/2 or 3, which has no such line."""

_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]*)?\r?\n")


def _decode_chunks(body: bytes) -> tuple[bytes, str]:
    """Decode a chunked body. If it is not correctly divided, return it as it is, and what is wrong.

    >>> _decode_chunks(b"3\\na=1\\n0\\n"), _decode_chunks(b"a=1")
    ((b'a=1', ''), (b'a=1', 'a chunk has no length'))
    """
    decoded, rest = b"", body.rstrip(b"\r\n") + b"\n"
    while size := _CHUNK_SIZE.match(rest):
        count = int(size[1], 16)
        if not count:
            return decoded, ""
        chunk, rest = rest[size.end() : size.end() + count], rest[size.end() + count :]
        decoded += chunk
        end = re.match(rb"\r?\n", rest)
        if end is None:
            return body, Phrase("a chunk is longer than it says" if rest else "the last chunk is missing")
        rest = rest[end.end() :]
    return body, Phrase("a chunk has no length" if rest else "the last chunk is missing")


def _choose_body(rest: str, length: str, *, is_gbk: bool) -> bytes:
    """Return the bytes of a body that was pasted as text: of the possible ones those with the declared length.

    Pasting may have added a line end, or changed CR LF to LF.
    A text for the GBK endpoint was GBK, unless only its UTF-8 bytes fit.
    """
    texts = (rest.rstrip("\r\n"), rest, rest.replace("\n", "\r\n"))
    possible = [encode_text(text) for text in texts]
    if is_gbk and not _ESCAPED_BYTES.search(rest):
        possible = [*(text.encode("gb18030", "replace") for text in texts), *possible]
    return next((body for body in possible if str(len(body)) == length), possible[0])


_ESCAPED_BYTES: Final = re.compile("[\ud800-\udfff]")
"""Bytes that were not UTF-8 when the text was read."""


RAW_HTTP: Final = TextForm(_BEGINNING.match, _parse)
