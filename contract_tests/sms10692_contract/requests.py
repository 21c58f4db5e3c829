"""Request builder: requests as bytes on the wire and as `curl` lines, in all shapes that clients send (Q1 to Q17).

A `WireRequest` also keeps the names and values that it was built from, because the safety guard decides by them.
"""

import hashlib
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from urllib.parse import quote

from sms10692_contract.masking import (
    SIGNATURES,
    build_replacement,
    build_value_pattern,
    mask_numbers,
    mask_numbers_of_request,
)

UTF8: Final = "/v2sms.aspx"
GBK: Final = "/v2smsGBK.aspx"
STATUS: Final = "/v2statusApi.aspx"
CALL: Final = "/v2callApi.aspx"

OLDER_UTF8: Final = "/sms.aspx"
OLDER_GBK: Final = "/smsGBK.aspx"
OLDER_STATUS: Final = "/statusApi.aspx"
OLDER_CALL: Final = "/callApi.aspx"

OLDER: Final[Mapping[str, str]] = {UTF8: OLDER_UTF8, GBK: OLDER_GBK, STATUS: OLDER_STATUS, CALL: OLDER_CALL}
"""The older endpoint with the same operations as each signed one. It takes account and password in clear (R19)."""

OLDER_ENDPOINTS: Final = frozenset(OLDER.values())
QUEUES: Final = frozenset((STATUS, CALL, OLDER_STATUS, OLDER_CALL))
"""Endpoints that fetch: what they return is gone."""

CREDENTIALS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(OLDER, ("userid", "timestamp", "sign")),
    **dict.fromkeys(OLDER_ENDPOINTS, ("userid", "account", "password")),
}
"""Names of the credentials of each endpoint."""

_GBK_ENDPOINTS: Final = frozenset((GBK, OLDER_GBK))

CHARSET: Final[Mapping[str, str]] = {name: "gbk" if name in _GBK_ENDPOINTS else "utf-8" for name in CREDENTIALS}
"""Python codec of each endpoint."""

CHARSET_LABEL: Final[Mapping[str, str]] = {
    name: "gb2312" if name in _GBK_ENDPOINTS else "utf-8" for name in CREDENTIALS
}
"""Charset name of each endpoint in its XML declaration and Content-Type."""

FORM: Final = "application/x-www-form-urlencoded"
BOUNDARY: Final = "XyZzYx7MA4YWxkTrZu0gW"

Pairs: TypeAlias = Sequence[tuple[str, str]]
Encoder: TypeAlias = Callable[[str], bytes]


@dataclass(frozen=True)
class WireRequest:
    """One request.

    `endpoint` is the path of the endpoint. `pairs` are all parameters: the first `query_count` of them are in the query
    string, the rest in the form. **`pairs` must contain every parameter of the bytes, because the safety guard decides
    by `pairs`.**
    """

    endpoint: str
    pairs: tuple[tuple[str, str], ...]
    method: str
    target: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes
    protocol: str = "HTTP/1.1"
    query_count: int = 0

    def build_head(self, host: str, prefix: str = "") -> bytes:
        """Return the request line, with `prefix` before the path, and the headers."""
        lines = [("Host", host), *self.headers]
        origin, path = self._split_target()
        first = self.method.encode() + b" " + origin + prefix.encode() + path + f" {self.protocol}\r\n".encode()
        return first + "".join(f"{name}: {value}\r\n" for name, value in lines).encode("utf-8") + b"\r\n"

    def _split_target(self) -> tuple[bytes, bytes]:
        """Split the target of a request to a proxy into scheme and host, and the rest; else the first is empty."""
        if self.target.startswith(b"/"):
            return b"", self.target
        scheme, _, rest = self.target.partition(b"://")
        host, slash, path = rest.partition(b"/")
        return scheme + b"://" + host, slash + path

    def build_curl(self, url: str, *options: str) -> str:
        """Return the request as a command line for bash, zsh, dash and fish, without its signature or password.

        The line computes the signature from the password in the environment, or sends that password.
        """
        words = ["curl", "-sg", "--path-as-is", *(shlex.quote(option) for option in options)]
        if self.protocol == "HTTP/1.0":
            words.append("--http1.0")
        if self.method == "HEAD":
            words.append("-I")
        elif self.method != ("POST" if self.body else "GET"):
            words += ["-X", shlex.quote(self.method)]
        names = {name.lower() for name, _ in self.headers}
        for name, value in self.headers:
            if name.lower() not in {"content-length", "connection"} and (name, value) != ("Content-Type", FORM):
                words += ["-H", _quote_argument(f"{name}: {value}".encode())]
        prefix = ""
        target, body, replacements = self._take_secrets()
        if body:
            if "content-type" not in names:
                words += ["-H", "Content-Type:"]
            if _is_quotable(body):
                words += ["--data-raw", _quote_argument(body)]
            else:
                prefix = f"{_build_printf(body)} | "
                words += ["--data-binary", "@-"]
        line = prefix + " ".join([*words, _quote_argument(url.encode() + target)])
        for marker, replacement in replacements.items():
            line = line.replace(marker.decode(), replacement)
        return line

    def _take_secrets(self) -> tuple[bytes, bytes, dict[bytes, str]]:
        """Return path and body with a marker for each signature and password, and what stands for each marker.

        The values are found by the names before them, so that it does not matter how they are encoded.
        """
        replacements: dict[bytes, str] = {}

        def take(name: bytes, value: bytes) -> bytes:
            [written, *_], values = _decode_value(name), _decode_value(value)
            replacement = build_replacement(written, values)
            if replacement is None:
                return value
            marker = b"%s%dx" % (_MARKER, len(replacements))
            replacements[marker] = replacement
            return marker

        headers = {name.lower(): value for name, value in self.headers}
        body = decode_chunked(self.body) if "transfer-encoding" in headers else self.body
        boundary = _BOUNDARY.search(headers.get("content-type", ""))
        path, mark, query = self._split_target()[1].partition(b"?")
        query = _replace_in_form(query, take)
        body = _replace_in_multipart(body, boundary[1].encode(), take) if boundary else _replace_in_form(body, take)
        secrets = [(name, value) for name, value in self.pairs if build_replacement(name, [value])]
        if len(replacements) < len(secrets):  # the body is neither a form nor multipart
            for name, value in secrets:
                pattern = build_value_pattern(value)
                replacement = build_replacement(name, [value]) or ""
                marker = b"%s%dx" % (_MARKER, len(replacements))
                replaced = pattern.sub(marker.decode(), body.decode("latin-1")).encode("latin-1")
                if replaced != body:
                    body, replacements[marker] = replaced, replacement
        return path + mark + query, body, replacements


_MARKER: Final = b"MARKERxOFxAxSECRETx"
_BOUNDARY: Final = re.compile(r"(?i)\Amultipart/.*;\s*boundary=\"?([^\"]+)")
_FORM_PAIR: Final = re.compile(rb"(?P<before>\A|&)(?P<name>[^&=]*)=(?P<value>[^&]*)")
_PART_NAME: Final = re.compile(rb"(?i);\s*name=\"?(?P<name>[^\"\r\n;]*)")
_ESCAPE: Final = re.compile(rb"(?:%u[0-9a-fA-F]{4})+|%[0-9a-fA-F]{2}")


def _replace_in_form(raw: bytes, take: Callable[[bytes, bytes], bytes]) -> bytes:
    """Replace the values of a query string or form with what `take` returns for name and value."""
    return _FORM_PAIR.sub(lambda each: b"%s%s=%s" % (each[1], each[2], take(each[2], each[3])), raw)


def _replace_in_multipart(raw: bytes, boundary: bytes, take: Callable[[bytes, bytes], bytes]) -> bytes:
    """Replace the values of a multipart body with what `take` returns for name and value."""
    pieces = re.split(rb"((?:\A|\r\n)--" + re.escape(boundary) + rb")", raw)
    for index, piece in enumerate(pieces):
        head, end, value = piece.partition(b"\r\n\r\n")
        name = _PART_NAME.search(head)
        if name is not None:
            pieces[index] = head + end + take(name[1], value)
    return b"".join(pieces)


def _decode_value(raw: bytes) -> list[str]:
    """Return what a name or value of a form, or of a multipart body, may be in each charset."""

    def decode(match: re.Match[bytes]) -> bytes:
        if match[0][1:2] != b"u":
            return bytes.fromhex(match[0][1:].decode())
        units = bytes.fromhex(match[0].replace(b"%u", b"").decode())
        return units.decode("utf-16-be", "replace").encode(charset, "replace")

    values = []
    for charset in ("utf-8", "gbk"):
        for plain in (raw, raw.replace(b"+", b" ")):
            values += [_ESCAPE.sub(decode, plain).decode(charset, "replace"), plain.decode(charset, "replace")]
    return values


def _is_quotable(raw: bytes) -> bool:
    """Return whether the bytes need no escaping between single quotes. fish interprets backslashes there."""
    return raw.isascii() and raw.decode().isprintable() and not {*b"'\\"} & {*raw}


def _quote_argument(raw: bytes) -> str:
    """Quote one argument. Other bytes are written with printf, whose octal escapes work in every shell."""
    if not _is_quotable(raw):
        return f'"$({_build_printf(raw)})"'
    # What replaces a marker ends the quotes, so there must be some.
    return f"'{raw.decode()}'" if _MARKER in raw else shlex.quote(raw.decode())


def _build_printf(raw: bytes) -> str:
    """Return a printf command that writes these bytes. "!" (expanded by bash) and "-" (option) are escaped too."""
    escaped = "".join(
        "%%" if byte == ord("%") else chr(byte) if 32 <= byte < 127 and byte not in b"'\\!-" else f"\\{byte:03o}"
        for byte in raw
    )
    return f"printf '{escaped}'"


def compute_signature(account: str, password: str, timestamp: str, charset: str = "utf-8") -> str:
    """Return the signature (1.2): MD5 of account + password + timestamp, 32 lower-case hexadecimal digits.

    >>> compute_signature("test", "mima", "20120701231212")
    '5cc68982f55ac74348e3d819f868fbe1'
    """
    signature = hashlib.md5((account + password + timestamp).encode(charset), usedforsecurity=False).hexdigest()
    SIGNATURES.note(signature)
    return signature


def build_percent_encoder(charset: str) -> Encoder:
    """Return an encoder that percent-encodes a text in the charset."""
    return lambda text: quote(text.encode(charset), safe="").encode("ascii")


def is_encodable(text: str, charset: str) -> bool:
    """Return whether the text can be encoded in the charset."""
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def build_raw_encoder(charset: str) -> Encoder:
    """Return an encoder that leaves bytes unescaped (Q6), except those that would end a value."""
    escapes = {byte: f"%{byte:02X}".encode() for byte in (*range(33), *b'%&+#"<>', 127)}
    return lambda text: b"".join(escapes.get(byte, bytes((byte,))) for byte in text.encode(charset))


def escape_unicode(text: str, digits: str = "04x") -> bytes:
    """Encode a text as `%uXXXX`, one escape per UTF-16 code unit (R14). JavaScript writes the `digits` "04X"."""
    raw = text.encode("utf-16-be")
    units = (int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2))
    return "".join(f"%u{unit:{digits}}" for unit in units).encode()


def encode_pairs(pairs: Pairs, encode: Encoder) -> bytes:
    """Encode pairs as a query string or a form."""
    return b"&".join(encode(name) + b"=" + encode(value) for name, value in pairs)


def build_request(
    endpoint: str,
    *,
    query: Pairs = (),
    body: Pairs = (),
    encode: Encoder | None = None,
    method: str = "POST",
    path: str | None = None,
    content_type: str | None = FORM,
    transform: Callable[[bytes], bytes] = lambda raw: raw,
) -> WireRequest:
    """Build a request with `query` in its query string and `body` in its form.

    `encode` encodes names and values; default is percent-encoding in the charset of the endpoint. `transform` changes
    the encoded query string and form, for example to add stray separators.
    """
    encode = encode or build_percent_encoder(CHARSET[endpoint])
    in_query, in_body = (transform(encode_pairs(pairs, encode)) if pairs else b"" for pairs in (query, body))
    target = (path or endpoint).encode() + (b"?" + in_query if in_query else b"")
    headers = [("Content-Type", content_type)] if content_type and in_body else []
    if method == "POST":
        headers.append(("Content-Length", str(len(in_body))))
    headers.append(("Connection", "close"))
    return WireRequest(endpoint, (*query, *body), method, target, tuple(headers), in_body, query_count=len(query))


def build_form(endpoint: str, fields: Mapping[str, str]) -> WireRequest:
    """Build the ordinary request of the manual: a POST with all parameters in the form."""
    return build_request(endpoint, body=list(fields.items()))


def build_multipart(endpoint: str, pairs: Pairs) -> WireRequest:
    """Build a POST with all parameters as `multipart/form-data` (Q5)."""
    raw = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + value.encode(CHARSET[endpoint])
        + b"\r\n"
        for name, value in pairs
    )
    plain = replace_body(
        build_request(endpoint), raw + f"--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"
    )
    return replace(plain, pairs=tuple(pairs))


def replace_body(request: WireRequest, body: bytes, content_type: str) -> WireRequest:
    """Replace the body of a request.

    **The new body must contain no parameters that are not in `pairs`,** because the safety guard checks `pairs`.
    """
    headers = (("Content-Type", content_type), ("Content-Length", str(len(body))), ("Connection", "close"))
    return replace(request, headers=headers, body=body)


def keep_open(request: WireRequest) -> WireRequest:
    """Remove the header that asks the server to close the connection."""
    kept = tuple((name, value) for name, value in request.headers if (name.lower(), value) != ("connection", "close"))
    return replace(request, headers=kept)


@dataclass(frozen=True)
class ChunkStyle:
    """What a client may choose when it writes chunks: see RFC 9112, 7.1.

    `extension` stands behind each size; `trailers` are header lines behind the last chunk, without line ends.
    """

    are_sizes_upper: bool = False
    extension: str = ""
    trailers: tuple[str, ...] = ()

    def write_chunk(self, chunk: bytes) -> bytes:
        """Write a chunk that is not empty."""
        return f"{self._write_size(len(chunk))}\r\n".encode() + chunk + b"\r\n"

    def write_end(self) -> bytes:
        """Write the empty chunk and the trailers."""
        return "".join(f"{line}\r\n" for line in (self._write_size(0), *self.trailers, "")).encode()

    def _write_size(self, size: int) -> str:
        return f"{size:{'X' if self.are_sizes_upper else 'x'}}{self.extension}"


PLAIN_CHUNKS: Final = ChunkStyle()


def chunk_body(request: WireRequest, size: int, style: ChunkStyle = PLAIN_CHUNKS) -> WireRequest:
    """Send the body of a request in chunks of this size (Q17)."""
    chunks = [request.body[at : at + size] for at in range(0, len(request.body), size)]
    body = b"".join(map(style.write_chunk, chunks)) + style.write_end()
    kept = [header for header in request.headers if header[0] != "Content-Length"]
    return replace(request, headers=(*kept, ("Transfer-Encoding", "chunked")), body=body)


def decode_chunked(body: bytes) -> bytes:
    """Decode a chunked body; the inverse of `chunk_body`.

    >>> decode_chunked(chunk_body(build_form("/v2sms.aspx", {"action": "overage"}), 3).body)
    b'action=overage'
    """
    chunks = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        chunks.append(rest[:length])
        body = rest[length + 2 :] if length else b""  # trailers are no part of the body
    return b"".join(chunks)


_NUMBER_SEPARATOR: Final = re.compile(r"[,\uff0c;\s]+")


def mask_request(request: WireRequest) -> WireRequest:
    """Mask the numbers of a request, in its bytes too. A chunked body becomes one chunk, because its length changes."""
    numbers = {
        number
        for name, value in request.pairs
        if name.strip().lower() == "mobile"
        for number in _NUMBER_SEPARATOR.split(value)
    }
    is_chunked = any(name == "Transfer-Encoding" for name, _ in request.headers)
    target, body = (
        _mask_bytes(raw, numbers)
        for raw in (request.target, decode_chunked(request.body) if is_chunked else request.body)
    )
    masked = replace(
        request,
        pairs=tuple((name, mask_numbers(value)) for name, value in request.pairs),
        target=target,
        body=body,
    )
    return chunk_body(masked, len(body)) if is_chunked and body else masked


def _mask_bytes(raw: bytes, numbers: Iterable[str]) -> bytes:
    return mask_numbers_of_request(raw.decode("latin-1"), numbers).encode("latin-1")
