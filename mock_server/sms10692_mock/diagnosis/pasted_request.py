"""Parser of requests as people paste them: a URL, a form, a `curl` command, raw HTTP, a HAR entry, a line of a log.

Nothing is sent, and no file is read: `-d @file` of curl is a file of another machine.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import quote_from_bytes, unquote_plus, urlsplit

from sms10692 import protocol
from sms10692_mock.codec.forms import FORM

MAX_LENGTH: Final = 1024 * 1024
"""Maximum characters of a pasted request."""

Headers = list[tuple[str, str]]


_REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "too-long": {"en": "the text is longer than {} characters", "zh": "文本超过 {} 个字符"},
    "empty": {"en": "the text is empty", "zh": "文本是空的"},
    "unknown-form": {
        "en": "the text is no URL, form, curl command, raw HTTP request or HAR entry",
        "zh": "文本不是 URL、表单、curl 命令、原始 HTTP 请求或 HAR 条目",
    },
    "url": {"en": "the URL is invalid: {}", "zh": "URL 无效"},
    "har": {"en": "the text is no HAR entry: {}", "zh": "文本不是 HAR 条目"},
    "curl-file": {
        "en": "the body of the curl command is in the file {}: paste it instead",
        "zh": "curl 命令的请求体在文件 {} 里：请直接粘贴内容",
    },
    "curl-no-url": {"en": "the curl command has no URL", "zh": "curl 命令没有 URL"},
    "curl-words": {
        "en": "the curl command cannot be split into words: {}",
        "zh": "curl 命令无法拆分成参数，可能有引号没有成对",
    },
    "curl-option": {
        "en": "the curl option {} is unknown here: remove it if it does not change the request",
        "zh": "不认识 curl 选项 {}：如果它不影响请求，请删掉",
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


class PastedRequest(NamedTuple):
    """A request read from a text. `problems` are finding codes with a value, for what the text itself shows."""

    method: str
    path: str
    query: bytes
    headers: Sequence[tuple[str, str]]
    body: bytes
    problems: Sequence[tuple[str, str]] = ()


def parse_pasted(text: str) -> PastedRequest:
    """Parse a request in any of the known forms. Raises NotARequest.

    >>> parse_pasted("curl http://127.0.0.1:10692/v2sms.aspx -d action=send").body
    b'action=send'
    >>> parse_pasted("action=overage&userid=12").path
    '/v2sms.aspx'
    """
    if len(text) > MAX_LENGTH:
        raise NotARequest("too-long", MAX_LENGTH)
    whole = text.removeprefix("\ufeff").lstrip(" \t\r\n")
    text = whole.rstrip(" \t\r\n")
    if not text:
        raise NotARequest("empty")
    if re.match(r"\$?\s*curl(?:\.exe)?\s", text):
        return _parse_curl(text)
    if text[0] == "{" and '"request"' in text:
        return _parse_har(text)
    if re.match(r"[A-Za-z]+ [^\r\n]+ HTTP/[0-9.]+\s*(?:\r?\n|$)", text):
        return _parse_raw(whole)
    if re.match(r"https?://|/", text) and "\n" not in text:
        return _from_url("GET", text, [], b"")
    if logged := re.search(r'"(GET|POST|HEAD) (/\S*) HTTP/[0-9.]+"', text):
        if logged[1] == "POST" and "?" not in logged[2]:
            raise NotARequest("body-not-logged")
        return _from_url(logged[1], logged[2], [], b"")
    if _EMULATOR_LOG.search(text):
        raise NotARequest("emulator-log")
    if re.match(r"[\w.%\[\]; -]+=", text):
        body = _encode(text)
        return PastedRequest("POST", _guess_path(body), b"", [("Content-Type", FORM)], body)
    raise NotARequest("unknown-form")


_EMULATOR_LOG: Final = re.compile(
    r"(?:^|\s)[A-Z]+ /\S*(?: [^\n]*, userid [^\n]*\([0-9.]+ ms\)|: [1-5][0-9]{2}(?:,|$))", re.MULTILINE
)
"""A line of the access log, see `app.log_lines`."""

_LONE_SURROGATES: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def _encode(text: str) -> bytes:
    """Return the bytes of a text decoded with `surrogateescape`, such as GBK on standard input.

    A lone surrogate, which JSON can contain, becomes a question mark.
    """
    return _LONE_SURROGATES.sub("?", text).encode("utf-8", "surrogateescape")


def _quote(text: str) -> str:
    return quote_from_bytes(_encode(text), "")


def _guess_path(form: bytes) -> str:
    """Return the path of the only endpoint with the action of a form, the first of several."""
    action = re.search(rb"(?i)(?:^|&)action=([^&]*)", form)
    word = unquote_plus(action[1].decode("latin-1")) if action else ""
    matches = (endpoint for endpoint in protocol.ENDPOINTS if any(one.action == word for one in endpoint.operations))
    return next(matches, protocol.V2SMS).path


def _from_url(
    method: str, url: str, headers: Headers, body: bytes, problems: Sequence[tuple[str, str]] = ()
) -> PastedRequest:
    try:
        parts = urlsplit(url if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|/", url) else f"http://{url}")
    except ValueError as error:
        raise NotARequest("url", ascii(str(error))[1:-1]) from None
    found = list(problems)
    if re.search(r"\s", url):
        found.append(("http.space-in-url", ascii(url[:64])[1:-1]))
    return PastedRequest(method, parts.path or "/", _encode(parts.query), headers, body, found)


def _parse_raw(text: str) -> PastedRequest:
    head, _, rest = text.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    method, _, target = first.rpartition(" ")[0].partition(" ")
    headers = [(name.strip(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    length = next((value for name, value in headers if name.lower() == "content-length"), "")
    body = _choose_body(rest, length, is_gbk=urlsplit(target).path.lower() == protocol.V2SMS_GBK.path.lower())
    problems = []
    for name, value in headers:
        if name.lower() == "content-length" and value.isascii() and value.isdigit():
            if int(value) < len(body):
                problems.append(("http.length-too-small", f"{value} / {len(body)}"))
            elif int(value) > len(body):
                problems.append(("http.body-stalled", f"{len(body)} / {value}"))
    return _from_url(method.upper(), target, headers, body, problems)


def _choose_body(rest: str, length: str, *, is_gbk: bool) -> bytes:
    """Return the bytes of a body that was pasted as text: of the possible ones those with the declared length.

    Pasting may have added a line end, or changed CR LF to LF.
    A text for the GBK endpoint was GBK, unless only its UTF-8 bytes fit.
    """
    texts = (rest.rstrip("\r\n"), rest, rest.replace("\n", "\r\n"))
    possible = [_encode(text) for text in texts]
    if is_gbk and not _ESCAPED_BYTES.search(rest):
        possible = [*(text.encode("gb18030", "replace") for text in texts), *possible]
    return next((body for body in possible if str(len(body)) == length), possible[0])


_ESCAPED_BYTES: Final = re.compile("[\ud800-\udfff]")
"""Bytes that were not UTF-8 when the text was read."""


def _parse_har(text: str) -> PastedRequest:
    """Parse a HAR entry, or the last entry of a whole HAR file."""
    try:
        document: Any = json.loads(text)
        if "log" in document:
            document = document["log"]["entries"][-1]
        request = document.get("request", document)
        headers = [(str(one["name"]), str(one["value"])) for one in request.get("headers", ())]
        posted = request.get("postData") or {}
        body = _encode(str(posted.get("text") or _join(posted.get("params", ()))))
        if posted.get("mimeType") and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", str(posted["mimeType"])))
        return _from_url(str(request["method"]).upper(), str(request["url"]), headers, body)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotARequest("har", error) from None


def _join(parameters: Any) -> str:
    return "&".join(f"{_quote(str(one['name']))}={_quote(str(one.get('value', '')))}" for one in parameters)


_DATA: Final = ("-d", "--data", "--data-ascii", "--data-raw", "--data-binary")
_VALUED: Final = frozenset(
    (
        *("-A", "--user-agent", "-b", "--cookie", "-c", "--cookie-jar", "-e", "--referer", "-m", "--max-time", "-o"),
        *("--output", "-u", "--user", "-x", "--proxy", "-w", "--write-out", "--connect-timeout", "--retry", "-K"),
        *(
            "-T",
            "--cacert",
            "--cert",
            "--key",
            "--resolve",
            "--noproxy",
            "--interface",
            "-y",
            "-Y",
            "-r",
            "--max-redirs",
        ),
    )
)
"""Options of curl whose value is no part of the request's form."""

_FLAGS: Final = frozenset(
    (
        *("--compressed", "--fail", "--fail-with-body", "--globoff", "--http0.9", "--http1.0", "--http1.1", "--http2"),
        *("--include", "--insecure", "--ipv4", "--ipv6", "--location", "--no-buffer", "--no-keepalive", "--silent"),
        *("--no-progress-meter", "--path-as-is", "--progress-bar", "--raw", "--show-error", "--tcp-nodelay"),
        *("--verbose", "--post301", "--post302", "--proxy-insecure", "--ssl-no-revoke", "--remote-name", "-0", "-#"),
    )
)
"""Options of curl without a value that do not change the form."""

_SHORT_FLAGS: Final = "fgikLNOsSvn46"

_SHORT_WITH_VALUE: Final = "dXHFAbcemouxwKTryY"


def _parse_curl(text: str) -> PastedRequest:
    method, url, headers, data, form, is_get = "", "", Headers(), list[str](), list[str](), False
    is_json = False
    problems: list[tuple[str, str]] = []
    arguments = _split_command(text)
    for argument in arguments:
        option, value = _split_option(argument)
        if option in _DATA:
            given = _value(value, arguments)
            if given.startswith("@") and option != "--data-raw":
                raise NotARequest("curl-file", ascii(given[1:]))
            data.append(given)  # curl removes line ends only from a file
        elif option == "--json":
            given = _value(value, arguments)
            if given.startswith("@"):
                raise NotARequest("curl-file", ascii(given[1:]))
            data.append(given)
            is_json = True
        elif option == "--data-urlencode":
            given = _value(value, arguments)
            name, equals, content = given.partition("=")
            if not equals and "@" in given:
                raise NotARequest("curl-file", ascii(given.partition("@")[2]))
            data.append(f"{name}={_quote(content)}" if equals and name else _quote(content or name))
        elif option in ("-F", "--form", "--form-string"):
            form.append(_value(value, arguments))
        elif option in ("-X", "--request"):
            method = _value(value, arguments).upper()
        elif option in ("-H", "--header"):
            name, _, content = _value(value, arguments).partition(":")
            headers.append((name.strip(), content.strip()))
        elif option in ("-G", "--get"):
            is_get = True
        elif option in ("-I", "--head"):
            method = "HEAD"
        elif option == "--url":
            url = _value(value, arguments)
        elif option in _VALUED:
            _value(value, arguments)
        elif not argument.startswith("-"):
            url = url or argument
        elif option not in _FLAGS and not re.fullmatch(rf"-[{_SHORT_FLAGS}]+", option):
            raise NotARequest("curl-option", ascii(option))
    if not url:
        raise NotARequest("curl-no-url")
    body = "&".join(data)
    if is_get:
        url, body = f"{url}{'&' if '?' in url else '?'}{body}", ""
    has_type = any(name.lower() == "content-type" for name, _ in headers)
    if form:
        headers.append(("Content-Type", f"multipart/form-data; boundary={_BOUNDARY}"))
        body = _build_multipart(form)
    elif body and not has_type:
        headers.append(("Content-Type", "application/json" if is_json else FORM))
    default = "POST" if body else "GET"
    return _from_url(method or default, url, headers, _encode(body), problems)


_BOUNDARY: Final = "pasted"


def _build_multipart(fields: Sequence[str]) -> str:
    parts = []
    for field in fields:
        name, _, value = field.partition("=")
        filename = f'; filename="{value[1:]}"' if value.startswith("@") else ""
        parts.append(f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n{value}\r\n')
    return f"{''.join(parts)}--{_BOUNDARY}--\r\n"


def _split_command(text: str) -> Iterator[str]:
    """Split a command as a POSIX shell does, with `$'…'` of bash and the line ends of Windows and PowerShell."""
    joined = re.sub(r"(?:\\|\^|`)\r?\n", " ", text.removeprefix("$").strip())
    joined = re.sub(r"\$'((?:[^'\\]|\\.)*)'", _unescape_ansi, joined, flags=re.DOTALL)
    try:
        return iter(shlex.split(joined)[1:])
    except ValueError as error:
        raise NotARequest("curl-words", error) from None


_ANSI_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


def _unescape_ansi(match: re.Match[str]) -> str:
    text = re.sub(
        r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))",
        lambda one: chr(int(one[1] or one[2], 16)) if one[1] or one[2] else _ANSI_ESCAPES.get(one[3], one[3]),
        match[1],
    )
    return shlex.quote(text)


def _split_option(argument: str) -> tuple[str, str | None]:
    """Split `--data=x` and `-dx` into option and value; the value is None if it is the next argument."""
    if argument.startswith("--"):
        option, equals, value = argument.partition("=")
        return option, value if equals else None
    if argument.startswith("-") and len(argument) > 2 and argument[1] in _SHORT_WITH_VALUE:
        return argument[:2], argument[2:]
    if re.fullmatch(r"-[A-Za-z]{2,}", argument) and argument[-1] in _SHORT_WITH_VALUE:  # -sd value
        return f"-{argument[-1]}", None
    if re.fullmatch(r"-[A-Za-z]*G[A-Za-z]*", argument):
        return "-G", None
    return argument, None


def _value(value: str | None, arguments: Iterator[str]) -> str:
    return next(arguments, "") if value is None else value
