"""Parser of requests as people paste them: a URL, a form, a `curl` command, raw HTTP, a HAR entry, a line of a log.

Nothing is sent, and no file is read: `-d @file` of curl is a file of another machine.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import quote_from_bytes, unquote_plus, urlsplit

from sms10692 import protocol
from sms10692_mock.codec.forms import FORM
from sms10692_mock.diagnosis.phrases import Phrase
from sms10692_mock.domain.api_request import match_endpoint

_SIGN: Final = protocol.SIGNED.parameters[2]
_PASSWORD: Final = protocol.PASSWORD.parameters[2]
_ACTION: Final = protocol.OVERAGE.parameters[0]

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


Problem: TypeAlias = tuple[str, ...]
"""The code of a finding, and its values."""


class PastedRequest(NamedTuple):
    """A request read from a text. `problems` are finding codes with values, for what the text itself shows.

    `head` are the bytes of the head of raw HTTP, otherwise empty. `ignored` is the number of further requests in the
    text.
    """

    method: str
    path: str
    query: bytes
    headers: Sequence[tuple[str, str]]
    body: bytes
    problems: Sequence[Problem] = ()
    head: bytes = b""
    ignored: int = 0


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
    if _RAW.match(text):
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


_METHODS: Final = "GET|POST|HEAD|PUT|DELETE|PATCH|OPTIONS|CONNECT"
_RAW: Final = re.compile(
    rf"[A-Za-z]+ [^\r\n]+ (?i:HTTP)/[0-9.]+\s*(?:\r?\n|$)|(?:{_METHODS}) +(?:\S+$|[^\r\n]+\r?\n[A-Za-z-]+ *:)"
)
"""The beginning of raw HTTP: a request line, or a method and a URL without a version."""

_VERSION: Final = re.compile(r"\sHTTP/[0-9.]+$", re.IGNORECASE)

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
    """Return the path of the only endpoint with the action of a form, the first of several.

    A form with a password and without a signature is meant for an older endpoint.
    """
    pairs = (pair.partition("=") for pair in form.decode("latin-1").split("&"))
    fields = {unquote_plus(name).strip().lower(): unquote_plus(value) for name, _, value in pairs}
    is_older = _PASSWORD in fields and _SIGN not in fields
    authentication = protocol.PASSWORD if is_older else protocol.SIGNED
    word = fields.get(_ACTION, "")
    matches = [endpoint for endpoint in protocol.ENDPOINTS if any(one.action == word for one in endpoint.operations)]
    matches.sort(key=lambda endpoint: endpoint.authentication is not authentication)
    return (matches[0] if matches else protocol.SMS if is_older else protocol.V2SMS).path


def _from_url(method: str, url: str, headers: Headers, body: bytes, problems: Sequence[Problem] = ()) -> PastedRequest:
    try:
        parts = urlsplit(url if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|/", url) else f"http://{url}")
    except ValueError as error:
        raise NotARequest("url", ascii(str(error))[1:-1]) from None
    found = list(problems)
    if re.search(r"\s", url):
        found.append(("http.space-in-url", _describe_space(url)))
    return PastedRequest(method, parts.path or "/", _encode(parts.query), headers, body, found)


def _describe_space(url: str) -> str:
    """Return the path of a URL, and the name of the parameter in which white space stands. Values may be secrets."""
    before = re.split(r"\s", url, maxsplit=1)[0]
    path, _, query = before.partition("?")
    name = query.rpartition("&")[2].partition("=")[0]
    return ascii(f"{path[:64]}?…{name[:40]}=" if query else path[:64])[1:-1]


def _parse_raw(text: str) -> PastedRequest:
    head, _, rest = text.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    first = first.rstrip()
    version = _VERSION.search(first)
    method, _, target = first[: version.start() if version else None].partition(" ")
    target = target.strip()
    headers = [(name.strip(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    lower = {name.lower(): value for name, value in reversed(headers)}
    length = lower.get("content-length", "")
    body = _choose_body(rest, length, is_gbk=urlsplit(target).path.lower() == protocol.V2SMS_GBK.path.lower())
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
    pasted = _from_url(method.upper(), target, headers, body, problems)
    return pasted._replace(head=_encode("\r\n".join((_HTTP2.sub("HTTP/1.1", first), *lines, "")))) if lines else pasted


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
    possible = [_encode(text) for text in texts]
    if is_gbk and not _ESCAPED_BYTES.search(rest):
        possible = [*(text.encode("gb18030", "replace") for text in texts), *possible]
    return next((body for body in possible if str(len(body)) == length), possible[0])


_ESCAPED_BYTES: Final = re.compile("[\ud800-\udfff]")
"""Bytes that were not UTF-8 when the text was read."""


def _parse_har(text: str) -> PastedRequest:
    """Parse a HAR entry, or of a whole HAR file the last entry for an endpoint of the vendor, if there is one."""
    try:
        document: Any = json.loads(text)
        entries = document["log"]["entries"] if "log" in document else [document]
        requests = [entry.get("request", entry) for entry in entries]
        request = next((one for one in reversed(requests) if _is_for_vendor(str(one["url"]))), requests[-1])
        headers = [(str(one["name"]), str(one["value"])) for one in request.get("headers", ())]
        posted = request.get("postData") or {}
        body = _encode(str(posted.get("text") or _join(posted.get("params", ()))))
        if posted.get("mimeType") and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", str(posted["mimeType"])))
        pasted = _from_url(str(request["method"]).upper(), str(request["url"]), headers, body)
        return pasted._replace(ignored=len(requests) - 1)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotARequest("har", error) from None


def _is_for_vendor(url: str) -> bool:
    return match_endpoint(urlsplit(url).path) is not None


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
    method, url, headers, data, form, is_get = "", "", Headers(), list[str](), list[_FormField](), False
    query: list[str] = []
    json_data = ""
    words, problems = _split_command(text)
    arguments = iter(words)
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
            json_data += given
        elif option == "--data-urlencode":
            data.append(_encode_data(_value(value, arguments)))
        elif option == "--url-query":
            given = _value(value, arguments)
            query.append(given[1:] if given.startswith("+") else _encode_data(given))
        elif option in ("-F", "--form"):
            form.append(_parse_form_field(_value(value, arguments)))
        elif option == "--form-string":
            name, _, content = _value(value, arguments).partition("=")
            form.append(_FormField(name, content))
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
    data += [json_data] if json_data else []
    body = "&".join(data)
    if is_get:
        query += data
        body, data = "", []
    if query:
        url = f"{url}{'&' if '?' in url else '?'}{'&'.join(query)}"
    has_type = any(name.lower() == "content-type" for name, _ in headers)
    if form:
        headers.append(("Content-Type", f"multipart/form-data; boundary={_BOUNDARY}"))
        body = _build_multipart(form)
    elif data and not has_type:
        headers.append(("Content-Type", "application/json" if json_data else FORM))
    default = "POST" if data or form else "GET"
    return _from_url(method or default, url, headers, _encode(body), problems)


def _encode_data(given: str) -> str:
    """Return what --data-urlencode sends for its value."""
    name, equals, content = given.partition("=")
    if not equals and "@" in given:
        raise NotARequest("curl-file", ascii(given.partition("@")[2]))
    return f"{name}={_quote(content)}" if equals and name else _quote(content or name)


_BOUNDARY: Final = "pasted"


class _FormField(NamedTuple):
    """A part of a multipart body. `filename` is empty for a part without one."""

    name: str
    value: str
    filename: str = ""


_FORM_OPTIONS: Final = re.compile(r";\s*(?:type|filename|encoder|headers)=.*", re.DOTALL)
"""What follows the value of -F and is no part of it."""


def _parse_form_field(given: str) -> _FormField:
    """Parse the value of -F. The contents of a file are not known."""
    name, _, value = given.partition("=")
    if value.startswith("<"):
        raise NotARequest("curl-file", ascii(value[1:]))
    options = _FORM_OPTIONS.search(value)
    filename = re.search(r";\s*filename=\"?([^\";]*)", options[0]) if options else None
    value = value[: options.start()] if options else value
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    default = value[1:] if value.startswith("@") else ""
    return _FormField(name, "" if default else value, filename[1] if filename else default)


def _build_multipart(fields: Sequence[_FormField]) -> str:
    parts = []
    for name, value, filename in fields:
        shown = f'; filename="{filename}"' if filename else ""
        parts.append(f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{shown}\r\n\r\n{value}\r\n')
    return f"{''.join(parts)}--{_BOUNDARY}--\r\n"


def _split_command(text: str) -> tuple[Sequence[str], list[Problem]]:
    """Split a command as a POSIX shell does, with `$'…'` of bash, and the line ends and escapes of Windows.

    Returns the words that the shell passes to curl, and a problem if it ends the command at an unquoted '&'.
    """
    joined = re.sub(r"(?:\\|\^|`)\r?\n", " ", text.removeprefix("$").strip())
    if re.search(r"\^[\"&]", joined):  # cmd.exe
        joined = re.sub(r"\^(.)", r"\1", joined)
    joined = re.sub(r"\$'((?:[^'\\]|\\.)*)'", _unescape_ansi, joined, flags=re.DOTALL)
    lexer = shlex.shlex(joined, posix=True, punctuation_chars="&|;<>")
    lexer.commenters = ""
    lexer.whitespace_split = True
    try:
        words = list(lexer)[1:]
    except ValueError as error:
        raise NotARequest("curl-words", error) from None
    end = next((index for index, word in enumerate(words) if _SHELL_OPERATOR.fullmatch(word)), len(words))
    if words[end : end + 1] != ["&"] or not words[end + 1 :]:
        return words[:end], []
    lost = words[end + 1]
    problem = "http.shell-ampersand", ascii(lost.partition("=")[0][:_SHOWN_NAME])[1:-1]
    if any(re.match(r"https?://", word) for word in words[:end]):
        return words[:end], [problem]
    return [word for word in words if not _SHELL_OPERATOR.fullmatch(word)], [problem]


_SHELL_OPERATOR: Final = re.compile(r"[&|;<>]+")
_SHOWN_NAME: Final = 32


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
