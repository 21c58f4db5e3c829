"""Commands of curl. Nothing is sent, and no file is read: `-d @file` is a file of another machine."""

import re
from typing import Final

from sms10692_mock.codec.forms import FORM
from sms10692_mock.diagnosis.pasted.request import (
    MULTIPART,
    FormField,
    Headers,
    NotARequest,
    PastedRequest,
    TextForm,
    build_multipart,
    build_request,
    encode_text,
    quote_text,
)
from sms10692_mock.diagnosis.pasted.shell import next_value, split_command

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


def _parse(text: str) -> PastedRequest:
    method, url, headers, data, form, is_get = "", "", Headers(), list[str](), list[FormField](), False
    query: list[str] = []
    json_data = ""
    words, problems, ignored = split_command(text)
    arguments = iter(words)
    for argument in arguments:
        option, value = _split_option(argument)
        if option in _DATA:
            given = next_value(value, arguments)
            if given.startswith("@") and option != "--data-raw":
                raise NotARequest("file", ascii(given[1:]))
            data.append(given)  # curl removes line ends only from a file
        elif option == "--json":
            given = next_value(value, arguments)
            if given.startswith("@"):
                raise NotARequest("file", ascii(given[1:]))
            json_data += given
        elif option == "--data-urlencode":
            data.append(_encode_data(next_value(value, arguments)))
        elif option == "--url-query":
            given = next_value(value, arguments)
            query.append(given[1:] if given.startswith("+") else _encode_data(given))
        elif option in ("-F", "--form"):
            form.append(_parse_form_field(next_value(value, arguments)))
        elif option == "--form-string":
            name, _, content = next_value(value, arguments).partition("=")
            form.append(FormField(name, content))
        elif option in ("-X", "--request"):
            method = next_value(value, arguments).upper()
        elif option in ("-H", "--header"):
            name, _, content = next_value(value, arguments).partition(":")
            headers.append((name.strip(), content.strip()))
        elif option in ("-G", "--get"):
            is_get = True
        elif option in ("-I", "--head"):
            method = "HEAD"
        elif option == "--url":
            url = next_value(value, arguments)
        elif option in _VALUED:
            next_value(value, arguments)
        elif not argument.startswith("-"):
            url = url or argument
        elif option not in _FLAGS and not re.fullmatch(rf"-[{_SHORT_FLAGS}]+", option):
            raise NotARequest("curl-option", ascii(option))
    if not url:
        raise NotARequest("no-url", "curl")
    data += [json_data] if json_data else []
    body = "&".join(data)
    if is_get:
        query += data
        body, data = "", []
    if query:
        url = f"{url}{'&' if '?' in url else '?'}{'&'.join(query)}"
    has_type = any(name.lower() == "content-type" for name, _ in headers)
    if form:
        headers.append(("Content-Type", MULTIPART))
        body = build_multipart(form)
    elif data and not has_type:
        headers.append(("Content-Type", "application/json" if json_data else FORM))
    default = "POST" if data or form else "GET"
    return build_request(method or default, url, headers, encode_text(body), problems)._replace(ignored=ignored)


def _encode_data(given: str) -> str:
    """Return what --data-urlencode sends for its value."""
    name, equals, content = given.partition("=")
    if not equals and "@" in given:
        raise NotARequest("file", ascii(given.partition("@")[2]))
    return f"{name}={quote_text(content)}" if equals and name else quote_text(content or name)


_FORM_OPTIONS: Final = re.compile(r";\s*(?:type|filename|encoder|headers)=.*", re.DOTALL)
"""What follows the value of -F and is no part of it."""


def _parse_form_field(given: str) -> FormField:
    """Parse the value of -F. The contents of a file are not known."""
    name, _, value = given.partition("=")
    if value.startswith("<"):
        raise NotARequest("file", ascii(value[1:]))
    options = _FORM_OPTIONS.search(value)
    filename = re.search(r";\s*filename=\"?([^\";]*)", options[0]) if options else None
    value = value[: options.start()] if options else value
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    default = value[1:] if value.startswith("@") else ""
    return FormField(name, "" if default else value, filename[1] if filename else default)


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


CURL: Final = TextForm(re.compile(r"\$?\s*curl(?:\.exe)?\s").match, _parse)
