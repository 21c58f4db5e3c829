"""Commands of wget. No file is read."""

import re
from typing import Final

from sms10692_mock.codec.forms import FORM
from sms10692_mock.diagnosis.pasted.request import (
    Headers,
    NotARequest,
    PastedRequest,
    TextForm,
    build_request,
    encode_text,
)
from sms10692_mock.diagnosis.pasted.shell import next_value, split_command

_VALUED: Final = re.compile(
    r"-[A-Za-z]*[OoatTUPew]|--(?:output-document|output-file|timeout|tries|user-agent|user|password)"
)
"""Options with a value that is no part of the request's form."""


def _parse(text: str) -> PastedRequest:
    words, problems, ignored = split_command(text)
    method, url, headers, body = "", "", Headers(), None
    arguments = iter(words)
    for argument in arguments:
        option, equals, given = argument.partition("=") if argument.startswith("--") else (argument, "", "")
        value = given if equals else None
        if option in ("--post-data", "--body-data"):
            body = next_value(value, arguments)
        elif option in ("--post-file", "--body-file"):
            raise NotARequest("file", ascii(next_value(value, arguments)))
        elif option == "--method":
            method = next_value(value, arguments).upper()
        elif option == "--header":
            name, _, content = next_value(value, arguments).partition(":")
            headers.append((name.strip(), content.strip()))
        elif _VALUED.fullmatch(option):
            next_value(value, arguments)
        elif not argument.startswith("-"):
            url = url or argument
    if not url:
        raise NotARequest("no-url", "wget")
    if body is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", FORM))
    default = "GET" if body is None else "POST"
    pasted = build_request(method or default, url, headers, encode_text(body or ""), problems)
    return pasted._replace(ignored=ignored)


WGET: Final = TextForm(re.compile(r"\$?\s*wget(?:\.exe)?\s").match, _parse)
