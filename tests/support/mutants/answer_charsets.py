"""Defects of the charset of answers: bytes, declaration and Content-Type that disagree in some answers."""

from collections.abc import Callable
from typing import Final

from sms10692 import protocol
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.server.http_types import Response
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant

_Applies = Callable[[ApiRequest, Response], bool]


def _change_body(applies: _Applies, change: Callable[[bytes], bytes]) -> Defect:
    return Defect(
        response=lambda request, response: (
            response._replace(body=change(response.body)) if applies(request, response) else response
        )
    )


def _label(applies: _Applies, label: str) -> Defect:
    """Write this charset into the Content-Type."""
    return Defect(
        response=lambda request, response: (
            response._replace(headers=[("Content-Type", f"text/xml; charset={label}")])
            if applies(request, response)
            else response
        )
    )


def _is_gbk(request: ApiRequest, response: Response) -> bool:
    return request.endpoint is protocol.V2SMS_GBK and not request.wants_json


def _is_refusal(response: Response) -> bool:
    return b"Faild" in response.body or b"errorstatus" in response.body


def _to_utf8(body: bytes) -> bytes:
    return body.decode("gbk").encode()


def _to_gbk(body: bytes) -> bytes:
    return body.decode("utf-8").encode("gbk", "xmlcharrefreplace")


ANSWER_CHARSETS: Final = (
    Mutant(
        "refusals of the GBK endpoint are in UTF-8",
        _change_body(lambda request, response: _is_gbk(request, response) and _is_refusal(response), _to_utf8),
        ("R17-charsets",),
    ),
    Mutant(
        "texts of the GBK endpoint that repeat the request are in UTF-8",
        _change_body(
            lambda request, response: _is_gbk(request, response) and b"checkCounts" in response.body, _to_utf8
        ),
        ("R17-charsets",),
    ),
    Mutant(
        "the Content-Type of accepted sends on the GBK endpoint says utf-8",
        _label(lambda request, response: _is_gbk(request, response) and b">ok<" in response.body, "utf-8"),
        ("R17-charsets",),
    ),
    Mutant(
        "the Content-Type of replies says gb2312",
        _label(lambda request, response: b"callbox" in response.body, "gb2312"),
        ("R17-charsets",),
    ),
    Mutant(
        "replies are in GBK and declared as utf-8",
        _change_body(lambda request, response: b"callbox" in response.body, _to_gbk),
        ("R17-charsets",),
    ),
    Mutant(
        "reports that are not ASCII are in GBK",
        _change_body(lambda request, response: b"statusbox" in response.body and not response.body.isascii(), _to_gbk),
        ("R17-charsets",),
    ),
    Mutant(
        "reports of more than ten items have a byte order mark",
        _change_body(
            lambda request, response: response.body.count(b"<statusbox>") > 10, lambda body: b"\xef\xbb\xbf" + body
        ),
        ("R17-charsets",),
    ),
    Mutant(
        "the declaration of a long list of reports says gb2312",
        _change_body(
            lambda request, response: response.body.count(b"<statusbox>") > 10,
            lambda body: body.replace(b"utf-8", b"gb2312", 1),
        ),
        ("R17-charsets",),
    ),
    Mutant(
        "JSON of refusals is in GBK",
        Defect(
            response=lambda request, response: (
                response._replace(body=response.body.decode().encode("gbk"))
                if request.wants_json and not response.body.isascii() and b"errorstatus" in response.body.lower()
                else response
            )
        ),
        ("R15-json",),
    ),
)
