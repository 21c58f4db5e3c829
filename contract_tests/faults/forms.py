"""Parameters looked for in the wrong place.

Here belongs what is not read of a request, of Q1 to Q17 and R14.
"""

import re
from collections.abc import Callable
from typing import Final

from faults.broken import Broken
from sms10692_mock.http.pages import Request
from vendors import Fault


def _request(change: Callable[[Request], Request]) -> Fault:
    return Fault(request=lambda page, request: change(request))


def _is(request: Request, kind: str) -> bool:
    return kind in request.content_type


FORMS: Final = (
    Broken(
        "the query string is ignored", _request(lambda one: one._replace(query=b"")), ("Q1", "Q2", "R14-query-first")
    ),
    Broken(
        "the query string is ignored where there is a body",
        _request(lambda one: one._replace(query=b"") if one.body else one),
        ("Q1",),
    ),
    Broken(
        "multipart is not read", _request(lambda one: one._replace(body=b"") if _is(one, "multipart") else one), ("Q5",)
    ),
    Broken(
        "no form without its Content-Type",
        _request(lambda one: one if _is(one, "form") else one._replace(body=b"")),
        ("Q7",),
    ),
    Broken(
        "%u is not read", _request(lambda one: one._replace(body=one.body.replace(b"%u", b"%25u"))), ("R14-percent-u",)
    ),
    Broken("+ stays +", _request(lambda one: one._replace(body=one.body.replace(b"+", b"%2B"))), ("R14-plus",)),
    Broken(
        "the form comes before the query string",
        _request(
            lambda one: (
                one._replace(query=one.body, body=one.query) if one.query and one.body and not _is(one, "json") else one
            )
        ),
        ("R14-query-first",),
    ),
    Broken(
        "names are trimmed", _request(lambda one: one._replace(body=one.body.replace(b"%20=", b"="))), ("R14-names",)
    ),
    Broken(
        "of a repeated name the first counts",
        Fault(fields=lambda fields: fields | {"mobile": fields.get("mobile", "").split(",13000000002")[0]}),
        ("R14-repeated",),
    ),
    Broken(
        "JSON bodies are forms",
        _request(lambda one: one._replace(content_type="") if _is(one, "json") else one),
        ("R16-json",),
    ),
    Broken(
        "names with case",
        _request(lambda one: one._replace(body=re.sub(rb"(^|&)([A-Z])", rb"\1x\2", one.body))),
        ("Q8",),
    ),
)
