"""Bytes in the wrong charset, characters not escaped, and the HTTP around them.

Here belongs what happens between a text and the bytes of an answer.
"""

import re
from typing import Final

from sms10692 import protocol
from sms10692.protocol import Page
from sms10692_mock.codec.charsets import DECODERS
from support.mutant_vendor import Fault
from support.mutants.mutant import Broken, says


def _encoded_in_utf8(body: bytes, page: Page) -> bytes:
    return body if page is not protocol.V2SMS_GBK else body.decode("gbk").encode("utf-8")


def _unencodable_lost(body: bytes, page: Page) -> bytes:
    return re.sub(rb"&#\d+;", b"?", body) if page is protocol.V2SMS_GBK else body


def _utf8_where_it_can_be(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return DECODERS["gb2312"](raw)


CHARSETS: Final = (
    Broken("UTF-8 on the GBK page", Fault(body=_encoded_in_utf8), ("1.1-gbk", "3.3-forbidden")),
    Broken(
        "the GBK page reads UTF-8",
        Fault(
            decode={
                "utf-8": lambda raw: raw.decode("utf-8", "replace"),
                "gb2312": lambda raw: raw.decode("utf-8", "replace"),
            }
        ),
        ("1.1-gbk", "3.2-content"),
    ),
    Broken(
        "the UTF-8 page reads GBK",
        Fault(
            decode={
                "utf-8": lambda raw: raw.decode("gbk", "replace"),
                "gb2312": lambda raw: raw.decode("gbk", "replace"),
            }
        ),
        ("1.1-utf8", "3.2-content"),
    ),
    Broken(
        "GB2312 and no more on the GBK page",
        Fault(
            decode={
                "utf-8": lambda raw: raw.decode("utf-8", "replace"),
                "gb2312": lambda raw: raw.decode("gb2312", "replace"),
            }
        ),
        ("R14-euro",),
    ),
    Broken(
        "what is UTF-8 is read as UTF-8 on the GBK page too",
        Fault(decode={"utf-8": lambda raw: raw.decode("utf-8", "replace"), "gb2312": _utf8_where_it_can_be}),
        ("Q16",),
    ),
    Broken(
        "bytes that cannot be read are dropped",
        Fault(decode={"utf-8": lambda raw: raw.decode("utf-8", "ignore"), "gb2312": DECODERS["gb2312"]}),
        ("R14-unreadable",),
    ),
    Broken("unencodable characters as ?", Fault(body=_unencodable_lost), ("R17-unencodable", "R14-euro")),
    Broken("& not escaped", says("&amp;", "&"), ("5.3-escapes", "R17-escapes")),
    Broken("< not escaped", says("&lt;", "<"), ("5.3-escapes", "R17-escapes")),
    Broken("> not escaped", says("&gt;", ">"), ("5.3-escapes", "R17-escapes")),
    Broken("a carriage return not escaped", says("&#13;", "\r"), ("R17-escapes",)),
    Broken("escaped twice", says("&lt;", "&amp;lt;"), ("5.3-escapes", "R17-escapes")),
    Broken(
        "text/html",
        Fault(response=lambda call, one: one._replace(headers=[("Content-Type", "text/html; charset=utf-8")])),
        ("R17-type",),
    ),
    Broken(
        "HTTP 400 for a refusal",
        Fault(response=lambda call, one: one._replace(status=400) if b"Faild" in one.body else one),
        ("A7",),
    ),
    Broken(
        "HTTP 401 for a wrong signature",
        Fault(response=lambda call, one: one._replace(status=401) if b"<error>2<" in one.body else one),
        ("A7",),
    ),
)
