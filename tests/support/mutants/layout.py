"""Defects of the XML layout: order and number of elements, and white space."""

import re
from typing import Final

from sms10692 import protocol
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant, replacing_text


def _swap_elements(first: str, second: str, only: str = "") -> Defect:
    swap = re.compile(f"(<{first}>.*?</{first}>)(\\s*)(<{second}>.*?</{second}>)", re.DOTALL)
    return Defect(text=lambda text, request: swap.sub(r"\3\2\1", text) if only in text else text)


def _remove_element(name: str, only: str = "") -> Defect:
    pattern = re.compile(f"\n <{name}>.*?</{name}>", re.DOTALL)
    return Defect(text=lambda text, request: pattern.sub("", text) if only in text else text)


def _empty_refusal(last_element: str) -> Defect:
    """Leave out the zeros of the refusals that end with this element."""

    def change(text: str, request: object) -> str:
        return text.replace(">0<", "><") if "Faild" in text and last_element in text else text

    return Defect(text=change)


def _declare_utf8(body: bytes, endpoint: protocol.Endpoint) -> bytes:
    return body.decode(endpoint.charset).replace("gb2312", "utf-8").encode() if b"gb2312" in body else body


_REPORTS, _REPLIES = "statusbox>", "callbox>"


LAYOUT: Final = (
    Mutant(
        "elements of send in another order",
        _swap_elements("remainpoint", "taskID"),
        ("1.3-ok", "1.3-credentials-wrong"),
    ),
    Mutant("elements of overage in another order", _swap_elements("payinfo", "overage"), ("2.3-found",)),
    Mutant("elements of a report in another order", _swap_elements("status", "receivetime"), ("4.3-layout",)),
    Mutant("errorcode before receivetime", _swap_elements("receivetime", "errorcode"), ("4.3-layout",)),
    Mutant("elements of a reply in another order", _swap_elements("content", "receivetime"), ("5.3-layout",)),
    Mutant(
        "no successCounts in a refusal",
        Defect(text=lambda text, request: text.replace("\n <successCounts>0</successCounts>", "")),
        ("1.3-credentials-wrong",),
    ),
    Mutant("no payinfo in a refusal", replacing_text("\n <payinfo></payinfo>", ""), ("2.3-credentials-wrong",)),
    Mutant("no errorcode in a report", _remove_element("errorcode"), ("4.3-layout",)),
    Mutant("no extno in a report", _remove_element("extno", _REPORTS), ("4.3-layout", "1.2-extno")),
    Mutant("no extno in a reply", _remove_element("extno", _REPLIES), ("5.3-layout",)),
    Mutant(
        "returnstatus in checkkeyword",
        Defect(
            text=lambda text, request: (
                text.replace("\n <message>", "\n <returnstatus>Success</returnstatus>\n <message>")
                if "returnstatus" not in text and "message" in text
                else text
            )
        ),
        ("3.3-forbidden", "3.3-nothing-forbidden"),
    ),
    Mutant(
        "one element too many", replacing_text("</successCounts>", "</successCounts>\n <time>0</time>"), ("1.3-ok",)
    ),
    Mutant("white space inside an element", replacing_text("<taskID>", "<taskID> "), ("A2",)),
    Mutant("white space inside overage", replacing_text("</overage>", "\n </overage>"), ("A2",)),
    Mutant("white space inside a box", replacing_text("<mobile>", "<mobile> "), ("A2",)),
    Mutant("CRLF for LF", Defect(text=lambda text, request: text.replace("\n", "\r\n")), ("A1-lines", "A3", "L-lines")),
    Mutant("no line feeds", Defect(text=lambda text, request: text.replace("\n ", "")), ("A1-lines", "A3", "L-lines")),
    Mutant("two spaces before an element", replacing_text("\n <", "\n  <"), ("A1-lines", "A3", "L-lines")),
    Mutant("no declaration", Defect(text=lambda text, request: text.partition("?>")[2]), ("A1-declaration",)),
    Mutant("no space in the declaration", replacing_text(" ?>", "?>"), ("A1-declaration",)),
    Mutant("UTF-8 in upper case", replacing_text("utf-8", "UTF-8"), ("A1-declaration",)),
    Mutant("gbk for gb2312", replacing_text('"gb2312"', '"gbk"'), ("A8",)),
    Mutant("the GBK endpoint declares utf-8", replacing_text('"gb2312"', '"utf-8"'), ("2.3-found",)),
    Mutant(
        "a space in an empty queue",
        replacing_text("<returnsms></returnsms>", "<returnsms>\n </returnsms>"),
        ("A10",),
    ),
    Mutant("an empty element closed in one tag", replacing_text("<message></message>", "<message/>"), ("R17-values",)),
    Mutant("empty values in a refused send", _empty_refusal("successCounts"), ("A4",)),
    Mutant("empty values in a refused overage", _empty_refusal("sendTotal"), ("L-zeros",)),
    Mutant(
        "a line feed after the declaration",
        Defect(text=lambda text, request: text.replace("?><returnsms>", "?>\n<returnsms>")),
        ("A1-declaration",),
    ),
    Mutant(
        "CDATA around every message",
        Defect(
            text=lambda text, request: re.sub(r"<message>(.+?)</message>", r"<message><![CDATA[\1]]></message>", text)
        ),
        ("R17-values",),
    ),
    Mutant("a comment in the root", replacing_text("<returnsms>", "<returnsms><!-- sms -->"), ("A1-lines", "A10")),
    Mutant("an attribute of the root", replacing_text("<returnsms>", '<returnsms version="2">'), ("A1-lines", "A10")),
    Mutant(
        "a GBK response that is encoded in UTF-8 and says so",
        Defect(body=_declare_utf8),
        ("A8",),
    ),
    Mutant(
        "newer servers without CDATA",
        Defect(text=lambda text, request: re.sub(r"<!\[CDATA\[|\]\]>", "", text)),
        ("A12",),
    ),
    Mutant("newer servers without checkCounts", _remove_element("checkCounts"), ("A13",)),
    Mutant(
        "newer servers refuse overage in its own elements",
        Defect(
            text=lambda text, request: (
                text.replace("remainpoint", "payinfo").replace("taskID", "overage")
                if request.operation is protocol.OVERAGE
                else text
            )
        ),
        ("A14",),
    ),
)
