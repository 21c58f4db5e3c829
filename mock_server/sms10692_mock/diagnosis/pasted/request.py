"""A request that was pasted as text, and what the parsers of its forms share: encoding, URLs and reasons."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote_from_bytes, unquote_plus, urlsplit

from sms10692 import protocol
from sms10692_mock.domain.api_request import match_endpoint

MAX_LENGTH: Final = 1024 * 1024
"""Maximum characters of a pasted request."""

MAX_EXPLAINED: Final = 20
"""Maximum number of requests of one file that are explained."""

Headers: TypeAlias = list[tuple[str, str]]

_REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "too-long": {"en": "the text is longer than {} characters", "zh": "文本超过 {} 个字符"},
    "empty": {"en": "the text is empty", "zh": "文本是空的"},
    "unknown-form": {
        "en": "the text is no URL, form, JSON, command, fetch call, raw HTTP request, HAR entry or Postman collection",
        "zh": "文本不是 URL、表单、JSON、命令、fetch 调用、原始 HTTP 请求、HAR 条目或 Postman 集合",
    },
    "url": {"en": "the URL is invalid: {}", "zh": "URL 无效"},
    "har": {"en": "the text is no HAR entry: {}", "zh": "文本不是 HAR 条目"},
    "postman": {"en": "the text is no Postman collection: {}", "zh": "文本不是 Postman 集合"},
    "file": {
        "en": "the body of the command is in the file {}: paste it instead",
        "zh": "命令的请求体在文件 {} 里：请直接粘贴内容",
    },
    "no-url": {"en": "the command has no URL: {}", "zh": "命令没有 URL：{}"},
    "words": {
        "en": "the command cannot be split into words: {}",
        "zh": "命令无法拆分成参数，可能有引号没有成对",
    },
    "curl-option": {
        "en": "the curl option {} is unknown here: remove it if it does not change the request",
        "zh": "不认识 curl 选项 {}：如果它不影响请求，请删掉",
    },
    "httpie-item": {
        "en": "the word {} of the HTTPie command is neither an option nor a pair: remove it",
        "zh": "HTTPie 命令里的 {} 既不是选项也不是参数：请删掉",
    },
    "variable": {
        "en": "the value of {} is not in the text: paste the request with its values",
        "zh": "文本里没有 {} 的值：请粘贴带有实际值的请求",
    },
    "body-not-logged": {
        "en": "the line of a log has no body, and the parameters of a POST are in it: paste the body",
        "zh": "日志行里没有请求体，而 POST 的参数在请求体里：请粘贴请求体",
    },
    "emulator-log": {
        "en": "this is a line of the emulator's own log, which holds no parameters: see its request log instead",
        "zh": "这是模拟服务器自己的日志行，里面没有参数：请看它的请求记录",
    },
}


class NotARequest(ValueError):
    """The text is no request in a known form. `code` is a key of the reasons, `value` what the reason names."""

    def __init__(self, code: str, value: object = "") -> None:
        super().__init__(_REASONS[code]["en"].format(value))
        self.code = code
        self.value = value

    def describe(self, language: str) -> str:
        """Return the reason in English (`en`) or Chinese (`zh`)."""
        return _REASONS[self.code][language].format(self.value)


Problem: TypeAlias = tuple[str, ...]
"""The code of a finding, and its values."""


class PastedRequest(NamedTuple):
    """A request read from a text. `problems` are finding codes with values, for what the text itself shows.

    `head` are the bytes of the head of raw HTTP, otherwise empty. `ignored` is the number of further requests in the
    text that are not explained. `further` are the other requests for endpoints of the vendor in a file, and `label`
    is the number, and the name, that each of them has there; empty without others.
    """

    method: str
    path: str
    query: bytes
    headers: Sequence[tuple[str, str]]
    body: bytes
    problems: Sequence[Problem] = ()
    head: bytes = b""
    ignored: int = 0
    further: Sequence["PastedRequest"] = ()
    label: str = ""


_BOUNDARY: Final = "pasted"
MULTIPART: Final = f"multipart/form-data; boundary={_BOUNDARY}"
"""Content type of a body of `build_multipart`."""


class FormField(NamedTuple):
    """A part of a multipart body. `filename` is empty for a part without one."""

    name: str
    value: str
    filename: str = ""


def build_multipart(fields: Iterable[FormField]) -> str:
    """Build the text of a multipart body."""
    parts = []
    for name, value, filename in fields:
        shown = f'; filename="{filename}"' if filename else ""
        parts.append(f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{shown}\r\n\r\n{value}\r\n')
    return f"{''.join(parts)}--{_BOUNDARY}--\r\n"


class TextForm(NamedTuple):
    """A form in which requests are pasted. `matches` tells whether a text has it, `parse` may raise NotARequest."""

    matches: Callable[[str], object]
    parse: Callable[[str], PastedRequest]


_LONE_SURROGATES: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def encode_text(text: str) -> bytes:
    """Return the bytes of a text decoded with `surrogateescape`, such as GBK on standard input.

    A lone surrogate, which JSON can contain, becomes a question mark.
    """
    return _LONE_SURROGATES.sub("?", text).encode("utf-8", "surrogateescape")


def quote_text(text: str) -> str:
    """Percent-encode every byte of a text that is not unreserved."""
    return quote_from_bytes(encode_text(text), "")


def build_request(
    method: str, url: str, headers: Headers, body: bytes, problems: Sequence[Problem] = ()
) -> PastedRequest:
    """Build a request from its URL, with or without a scheme, and a problem if white space stands in the URL."""
    url = re.sub("^//+(?=[A-Za-z0-9]+[.]aspx)", "/", url, flags=re.IGNORECASE)  # a doubled slash, and no host
    try:
        parts = urlsplit(url if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|/", url) else f"http://{url}")
    except ValueError as error:
        raise NotARequest("url", ascii(str(error))[1:-1]) from None
    found = list(problems)
    if re.search(r"\s", url):
        found.append(("http.space-in-url", _describe_space(url)))
    return PastedRequest(method, parts.path or "/", encode_text(parts.query), headers, body, found)


def _describe_space(url: str) -> str:
    """Return the path of a URL, and the name of the parameter in which white space stands. Values may be secrets."""
    before = re.split(r"\s", url, maxsplit=1)[0]
    path, _, query = before.partition("?")
    name = query.rpartition("&")[2].partition("=")[0]
    return ascii(f"{path[:64]}?…{name[:40]}=" if query else path[:64])[1:-1]


_SIGN: Final = protocol.SIGNED.parameters[2]
_PASSWORD: Final = protocol.PASSWORD.parameters[2]
_ACTION: Final = protocol.OVERAGE.parameters[0]


def guess_path(fields: Mapping[str, str]) -> str:
    """Return the path of the only endpoint with the action of some fields, the first of several.

    A form with a password and without a signature is meant for an older endpoint, one with a signature alone for a
    signed one, which a profile may give more actions. Names are in lower case.
    """
    is_older = _PASSWORD in fields and _SIGN not in fields
    authentication = protocol.PASSWORD if is_older else protocol.SIGNED
    word = fields.get(_ACTION, "")
    is_signed = _SIGN in fields and _PASSWORD not in fields
    candidates = [one for one in protocol.ENDPOINTS if not is_signed or one.authentication is protocol.SIGNED]
    matches = [endpoint for endpoint in candidates if any(one.action == word for one in endpoint.operations)]
    matches.sort(key=lambda endpoint: endpoint.authentication is not authentication)
    return (matches[0] if matches else protocol.SMS if is_older else protocol.V2SMS).path


_ESCAPED_JOINT: Final = re.compile("^([^=]*?)%3D", re.IGNORECASE)


def split_pairs(form: bytes) -> Mapping[str, str]:
    """Return the decoded fields of a form, with names in lower case. A name and a value may be escaped as a whole."""
    joined = (_ESCAPED_JOINT.sub(r"\1=", pair) for pair in form.decode("latin-1").split("&"))
    pairs = (pair.partition("=") for pair in joined)
    return {unquote_plus(name).strip().lower(): unquote_plus(value) for name, _, value in pairs}


def build_chosen(urls: Sequence[str], build: Callable[[int], PastedRequest]) -> PastedRequest:
    """Build the requests whose URLs are those of endpoints of the vendor, the last MAX_EXPLAINED at most.

    The last one is returned, and has the others as `further`. If there is none, the last of all requests is returned.
    `build` builds the request with an index. Raises IndexError without URLs.
    """
    if not urls:
        raise IndexError("the text has no request")
    chosen = [index for index, url in enumerate(urls) if match_endpoint(urlsplit(url).path) is not None]
    *further, last = map(build, chosen[-MAX_EXPLAINED:] or [len(urls) - 1])
    label = last.label if further else ""
    return last._replace(further=tuple(further), label=label, ignored=len(urls) - 1 - len(further))


def join_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a form of pairs, percent-encoded."""
    return "&".join(f"{quote_text(name)}={quote_text(value)}" for name, value in pairs)
