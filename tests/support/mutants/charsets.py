"""Defects of encoding: wrong charset, missing escapes, wrong content type or status."""

import re
from collections.abc import Callable
from typing import Final

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.codec.charsets import DECODERS
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant, replacing_text


def _reencode_in_utf8(body: bytes, endpoint: Endpoint) -> bytes:
    return body if endpoint is not protocol.V2SMS_GBK else body.decode("gbk").encode("utf-8")


def _replace_references(body: bytes, endpoint: Endpoint) -> bytes:
    return re.sub(rb"&#\d+;", b"?", body) if endpoint is protocol.V2SMS_GBK else body


def _prefer_utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return DECODERS["gb2312"](raw)


def _read_gbk(decode: Callable[[bytes], str]) -> Defect:
    return Defect(decode={**DECODERS, "gb2312": decode})


CHARSETS: Final = (
    Mutant(
        "the GBK endpoint reads GB18030", _read_gbk(lambda raw: raw.decode("gb18030", "replace")), ("R14-unreadable",)
    ),
    Mutant(
        "the GBK endpoint drops what it cannot read",
        _read_gbk(lambda raw: DECODERS["gb2312"](raw).replace("\ufffd", "")),
        ("R14-unreadable",),
    ),
    Mutant(
        "the GBK endpoint reads a question mark in place of what it cannot read",
        _read_gbk(lambda raw: DECODERS["gb2312"](raw).replace("\ufffd", "?")),
        ("R14-unreadable",),
    ),
    Mutant("the GBK endpoint responds in UTF-8", Defect(body=_reencode_in_utf8), ("1.1-gbk", "3.3-forbidden")),
    Mutant(
        "the GBK endpoint reads UTF-8",
        Defect(
            decode={
                "utf-8": lambda raw: raw.decode("utf-8", "replace"),
                "gb2312": lambda raw: raw.decode("utf-8", "replace"),
            }
        ),
        ("1.1-gbk", "R8-word"),
    ),
    Mutant(
        "the UTF-8 endpoint reads GBK",
        Defect(
            decode={
                "utf-8": lambda raw: raw.decode("gbk", "replace"),
                "gb2312": lambda raw: raw.decode("gbk", "replace"),
            }
        ),
        ("1.1-utf8", "R8-word"),
    ),
    Mutant(
        "the GBK endpoint reads GB2312 only",
        Defect(
            decode={
                "utf-8": lambda raw: raw.decode("utf-8", "replace"),
                "gb2312": lambda raw: raw.decode("gb2312", "replace"),
            }
        ),
        ("R14-euro",),
    ),
    Mutant(
        "the GBK endpoint reads valid UTF-8 as UTF-8",
        Defect(decode={"utf-8": lambda raw: raw.decode("utf-8", "replace"), "gb2312": _prefer_utf8}),
        ("Q16",),
    ),
    Mutant(
        "undecodable bytes are dropped",
        Defect(decode={"utf-8": lambda raw: raw.decode("utf-8", "ignore"), "gb2312": DECODERS["gb2312"]}),
        ("R14-unreadable",),
    ),
    Mutant("unencodable characters as ?", Defect(body=_replace_references), ("R17-unencodable", "R14-euro")),
    Mutant("& not escaped", replacing_text("&amp;", "&"), ("R17-reply", "R17-escapes")),
    Mutant("< not escaped", replacing_text("&lt;", "<"), ("R17-reply", "R17-escapes")),
    Mutant("> not escaped", replacing_text("&gt;", ">"), ("R17-reply", "R17-escapes")),
    Mutant("a carriage return not escaped", replacing_text("&#13;", "\r"), ("R17-escapes",)),
    Mutant("escaped twice", replacing_text("&lt;", "&amp;lt;"), ("R17-reply", "R17-escapes")),
    Mutant(
        "text/html",
        Defect(
            response=lambda request, response: response._replace(headers=[("Content-Type", "text/html; charset=utf-8")])
        ),
        ("R17-type",),
    ),
    Mutant(
        "HTTP 400 for a refusal",
        Defect(
            response=lambda request, response: response._replace(status=400) if b"Faild" in response.body else response
        ),
        ("A7",),
    ),
    Mutant(
        "HTTP 401 for a wrong signature",
        Defect(
            response=lambda request, response: (
                response._replace(status=401) if b"<error>2<" in response.body else response
            )
        ),
        ("A7",),
    ),
)
