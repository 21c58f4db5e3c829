"""Masking of a captured request: line, headers and body, as it will be stored.

Every byte of query and body keeps its place, its encoding, and so the length of the body and of its chunks. Extensions
of chunks and trailers are dropped. What is kept as it is, is listed here; **everything else is masked.**
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from sms10692.protocol import Endpoint
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import Fields, parse_fields
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.recorder.http_framing import Span, find_chunks, is_chunked_body
from sms10692_mock.recorder.masks import Masks
from sms10692_mock.recorder.wire_text import mask_bytes, mask_component, read_component
from sms10692_mock.server.bad_request import BadRequest
from sms10692_mock.server.http1_head import RequestHead, parse_head

HOST: Final = b"127.0.0.1:10692"
"""What stands in a stored request for the address of the recorder."""

_KEPT_HEADERS: Final = frozenset(
    ("accept", "accept-charset", "accept-encoding", "connection", "content-length", "expect", "transfer-encoding")
)
_CONTENT_TYPE: Final = re.compile(rb"""[A-Za-z0-9/+.;=" '()_-]{0,200}""")
_METHODS: Final = (b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH")

_SMALL_NUMBER: Final = re.compile("[0-9]{0,6}")
_TIME: Final = re.compile("[0-9:/ T.-]{0,24}")
_KEPT_VALUES: Final[Mapping[str, re.Pattern[str]]] = {
    "action": re.compile("[A-Za-z]{0,20}"),
    "timestamp": _TIME,
    "sendtime": _TIME,
    "extno": re.compile("[0-9]{0,10}"),
    "statusnum": _SMALL_NUMBER,
    "rt": re.compile("[A-Za-z]{0,10}"),
    "datatype": re.compile("[A-Za-z]{0,10}"),
    "checkcontent": _SMALL_NUMBER,
    "countnumber": _SMALL_NUMBER,
    "mobilenumber": _SMALL_NUMBER,
    "telephonenumber": _SMALL_NUMBER,
}
"""Values that are kept if they look as expected, by name of the parameter."""

_SECRETS: Final = frozenset(("account", "password", "newpwd", "renewpwd"))
_KNOWN_NAMES: Final = frozenset((*_KEPT_VALUES, *_SECRETS, "userid", "sign", "mobile", "content", "taskname"))
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z_.\[\]-]{0,30}[0-9]{0,2}")
_SIGN: Final = re.compile("[0-9A-Fa-f]{32}")
_PART_NAME: Final = re.compile(
    rb"""Content-Disposition:[ ]?form-data;[ ]?name=(?:"(?P<quoted>[^"\r\n]*)"|(?P<token>[^"\r\n;]+))""", re.IGNORECASE
)
_FILE_NAME: Final = re.compile(rb"; ?filename(?==)", re.IGNORECASE)
_BOUNDARY: Final = re.compile(r"""boundary=(?:"([^"]+)"|([^";, ]+))""", re.IGNORECASE)
_FORM_DATA: Final = "multipart/form-data"


class CapturedRequest(NamedTuple):
    """A request as the client sent it: head with the empty line, and body with its chunk sizes.

    `parsed` is None if the head is no HTTP/1. `is_complete`: the client has sent all of it. `not_stored` says why there
    is no body; it is empty otherwise.
    """

    head: bytes
    body: bytes
    parsed: RequestHead | None
    is_complete: bool
    not_stored: str = ""

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint of the vendor, or None."""
        return None if self.parsed is None else match_endpoint(self.parsed.path)

    def find_spans(self) -> list[Span]:
        """Find the parts of the body that are no chunk sizes."""
        return find_chunks(self.body) if self.is_chunked else [(0, len(self.body))]

    @property
    def is_chunked(self) -> bool:
        """Whether the head announces chunks."""
        return self.parsed is not None and self.parsed.length is None

    def parse_fields(self) -> Fields:
        """Parse the parameters, as the emulator does."""
        endpoint = self.endpoint
        if self.parsed is None or endpoint is None:
            return {}
        body = b"".join(self.body[start:end] for start, end in self.find_spans())
        content_type = self.parsed.headers_lower.get("content-type", "")
        return parse_fields(self.parsed.query, content_type, body, DECODERS[endpoint.charset])


def parse_captured_head(head: bytes) -> RequestHead | None:
    """Parse a head that ends with the empty line; None if it is no HTTP/1 request."""
    try:
        return parse_head(head[: -2 if head.endswith(b"\r\n") else -1])
    except BadRequest:
        return None


def mask_request(request: CapturedRequest, masks: Masks) -> bytes:
    """Return the bytes to store."""
    endpoint = request.endpoint
    charset = "utf-8" if endpoint is None else endpoint.charset
    if request.parsed is None:
        return mask_bytes(request.head + request.body, charset, masks.mask_text)
    head = _mask_head(request.head, charset, masks)
    if request.not_stored:
        return head
    if request.is_chunked and not is_chunked_body(request.body):
        return head + mask_bytes(request.body, charset, masks.mask_text)
    spans = request.find_spans()
    joined = b"".join(request.body[start:end] for start, end in spans)
    masked = _mask_body(joined, request.parsed.headers_lower.get("content-type", ""), charset, masks)
    return head + (_write_chunks(masked, spans) if request.is_chunked else masked)


def _write_chunks(data: bytes, spans: list[Span]) -> bytes:
    """Write data in chunks of the same sizes, without extensions and trailers."""
    pieces, position = [], 0
    for start, end in spans:
        size = end - start
        pieces.append(b"%x\r\n%b\r\n" % (size, data[position : position + size]))
        position += size
    return b"".join((*pieces, b"0\r\n\r\n"))


def list_dropped_headers(request: CapturedRequest) -> list[str]:
    """Return the names of the headers that are not stored."""
    if request.parsed is None:
        return []
    kept = {*_KEPT_HEADERS, "host", "content-type"}
    return [name for name, _ in request.parsed.headers if name.lower() not in kept]


def choose_mask(name: str, masks: Masks) -> Callable[[str], str]:
    """Return the function that masks the value of a parameter."""
    name = name.strip().lower()
    if name == "sign":
        return masks.mask_hex
    if name == "userid":
        return masks.mask_whole
    if name in _SECRETS or "pass" in name or "pwd" in name:
        return masks.mask_secret
    pattern = _KEPT_VALUES.get(name)
    if pattern is None:
        return masks.mask_text
    return lambda value: masks.scrub(value) if pattern.fullmatch(value) else masks.mask_text(value)


def is_signature(value: str) -> bool:
    """Return whether a value of `sign` has the form of one."""
    return _SIGN.fullmatch(value) is not None


def _mask_head(head: bytes, charset: str, masks: Masks) -> bytes:
    line, _, rest = head.partition(b"\n")
    method, target, version = line.rstrip(b"\r").split(b" ")
    method = method if method in _METHODS else mask_bytes(method, charset, masks.mask_text)
    lines = [b" ".join((method, _mask_target(target, charset, masks), version))]
    for field in rest.split(b"\n"):
        name, colon, value = field.rstrip(b"\r").partition(b":")
        value = value.strip()
        lowered = name.lower().decode("latin-1")
        if not colon:
            continue
        if lowered == "host":
            lines.append(b"%b: %b" % (name, HOST))
        elif lowered in _KEPT_HEADERS or (lowered == "content-type" and _CONTENT_TYPE.fullmatch(value)):
            lines.append(b"%b: %b" % (name, masks.scrub(value.decode("latin-1")).encode("latin-1")))
    return b"\r\n".join([*lines, b"", b""])


def _mask_target(target: bytes, charset: str, masks: Masks) -> bytes:
    """Mask the target, which becomes one without scheme and host."""
    if not target.startswith(b"/"):
        target = b"/" + target.partition(b"//")[2].partition(b"/")[2]
    path, mark, query = target.partition(b"?")
    segments = [segment if _is_page(segment) else mask_component(segment, charset, masks.mask_text)
                for segment in path.split(b"/")]  # fmt: skip
    return b"/".join(segments) + mark + _mask_urlencoded(query, charset, masks)


def _is_page(segment: bytes) -> bool:
    return match_endpoint(f"/{segment.decode('latin-1')}") is not None


def _mask_body(body: bytes, content_type: str, charset: str, masks: Masks) -> bytes:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == _FORM_DATA:
        return _mask_multipart(body, content_type, charset, masks)
    if media_type == "application/json" or media_type.endswith("+json"):
        return mask_bytes(body, charset, masks.mask_text)
    return _mask_urlencoded(body, charset, masks)


def _mask_urlencoded(raw: bytes, charset: str, masks: Masks) -> bytes:
    return b"&".join(_mask_pair(pair, charset, masks) for pair in raw.split(b"&"))


def _mask_pair(pair: bytes, charset: str, masks: Masks) -> bytes:
    raw_name, equals, value = pair.partition(b"=")
    name = read_component(raw_name, charset)
    is_kept = name.strip().lower() in _KNOWN_NAMES or (equals and _NAME.fullmatch(name.strip()))
    if not is_kept:
        raw_name = mask_component(raw_name, charset, masks.mask_text)
    return raw_name + equals + mask_component(value, charset, choose_mask(name, masks))


def _mask_multipart(body: bytes, content_type: str, charset: str, masks: Masks) -> bytes:
    """Mask all between the delimiters, which are those of the header. Without a usual one, all of it is a text.

    The stored header is a scrubbed one, and so is its boundary.
    """
    stored = _BOUNDARY.search(masks.scrub(content_type))
    given = _BOUNDARY.search(content_type)
    if given is None or stored is None or not _CONTENT_TYPE.fullmatch(content_type.encode("latin-1", "replace")):
        return mask_bytes(body, charset, masks.mask_text)
    before, after = (f"--{found[1] or found[2]}".encode("latin-1") for found in (given, stored))
    return after.join([_mask_part(part, charset, masks) for part in body.split(before)])


def _mask_part(part: bytes, charset: str, masks: Masks) -> bytes:
    head, end, rest = part.partition(b"\r\n\r\n")
    if not end:
        head, end, rest = part.partition(b"\n\n")
    if not end:
        return mask_bytes(part, charset, masks.mask_text)
    found = _PART_NAME.search(head)
    name = "" if found is None else (found["quoted"] or found["token"] or b"").decode("latin-1")
    value = rest[:-2] if rest.endswith(b"\r\n") else rest.removesuffix(b"\n")
    masked = mask_bytes(value, charset, choose_mask(name, masks))
    return _mask_part_head(head, found, charset, masks) + end + masked + rest[len(value) :]


def _mask_part_head(head: bytes, found: re.Match[bytes] | None, charset: str, masks: Masks) -> bytes:
    """Keep the name of a usual parameter, and that there is a name of a file. All other text of a head is masked."""
    kept = []
    if found is not None:
        name = found["quoted"] or found["token"] or b""
        is_usual = name.lower().decode("latin-1") in _KNOWN_NAMES or _NAME.fullmatch(name.decode("latin-1"))
        kept.append((found.start(), found.end() if is_usual else found.start(found.lastgroup or 0)))
        kept += [file.span() for file in _FILE_NAME.finditer(head, found.end())]
    pieces, position = [], 0
    for start, stop in kept:
        pieces += [mask_bytes(head[position:start], charset, masks.mask_text), head[start:stop]]
        position = stop
    return b"".join((*pieces, mask_bytes(head[position:], charset, masks.mask_text)))
