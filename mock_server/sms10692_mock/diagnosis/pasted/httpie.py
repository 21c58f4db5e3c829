"""Commands of HTTPie: `http POST :10692/v2sms.aspx action=send`, which sends JSON unless `--form` is given."""

import json
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
    join_pairs,
)
from sms10692_mock.diagnosis.pasted.shell import next_value, split_command

_ITEM: Final = re.compile(r"((?:\\.|[^\\:=@]){1,200}?)(==|:=|=@|:=@|=|:|@)(.*)", re.DOTALL)
"""A name, a separator that tells what it is, and a value."""
_METHOD: Final = re.compile("[A-Z]{3,7}")
_VALUED: Final = re.compile("--(?:auth|timeout|print|output|proxy|style|pretty|verify|cert|session|auth-type)|-[apo]")


def _parse(text: str) -> PastedRequest:
    words, problems, ignored = split_command(text)
    method, url, raw, is_form = "", "", None, False
    headers, query, fields = Headers(), list[tuple[str, str]](), list[tuple[str, str]]()
    arguments = iter(words)
    for argument in arguments:
        option, equals, given = argument.partition("=") if argument.startswith("--") else (argument, "", "")
        if option in ("-f", "--form", "--multipart"):
            is_form = True
        elif option == "--raw":
            raw = next_value(given if equals else None, arguments)
        elif _VALUED.fullmatch(option):
            next_value(given if equals else None, arguments)
        elif argument.startswith("-"):
            continue
        elif not url and not method and _METHOD.fullmatch(argument):
            method = argument
        elif not url:
            url = re.sub("^(?=:[0-9/])", "http://127.0.0.1", argument)
        elif (item := _ITEM.fullmatch(argument)) is None:
            raise NotARequest("httpie-item", ascii(argument[:32]))
        elif "@" in item[2]:
            raise NotARequest("file", ascii(item[3]))
        elif item[2] == ":":
            headers.append((item[1], item[3].strip()))
        else:
            (query if item[2] == "==" else fields).append((item[1], item[3]))
    if not url:
        raise NotARequest("no-url", "http")
    if query:
        url += ("&" if "?" in url else "?") + join_pairs(query)
    body = raw if raw is not None else join_pairs(fields) if is_form else json.dumps(dict(fields), ensure_ascii=False)
    has_body = raw is not None or bool(fields)
    if has_body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", f"{FORM}; charset=utf-8" if is_form else "application/json"))
    method = method or ("POST" if has_body else "GET")
    return build_request(method, url, headers, encode_text(body if has_body else ""), problems)._replace(
        ignored=ignored
    )


HTTPIE: Final = TextForm(re.compile(r"\$?\s*https?\s+[^\s/]").match, _parse)
