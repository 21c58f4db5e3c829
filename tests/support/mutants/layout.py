"""Elements in another order, too few, too many, and white space that is not the vendor's.

Here belongs how a document is laid out. The words in it are in `words`.
"""

import re
from typing import Final

from sms10692 import protocol
from support.mutant_vendor import Fault
from support.mutants.mutant import Broken, says


def _order(first: str, second: str, only: str = "") -> Fault:
    swap = re.compile(f"(<{first}>.*?</{first}>)(\\s*)(<{second}>.*?</{second}>)", re.DOTALL)
    return Fault(text=lambda text, call: swap.sub(r"\3\2\1", text) if only in text else text)


def _without(name: str, only: str = "") -> Fault:
    gone = re.compile(f"\n <{name}>.*?</{name}>", re.DOTALL)
    return Fault(text=lambda text, call: gone.sub("", text) if only in text else text)


_REPORTS, _REPLIES = "statusbox>", "callbox>"


LAYOUT: Final = (
    Broken("elements of send in another order", _order("remainpoint", "taskID"), ("1.3-ok", "1.3-credentials-wrong")),
    Broken("elements of overage in another order", _order("payinfo", "overage"), ("2.3-found",)),
    Broken("elements of a report in another order", _order("status", "receivetime"), ("4.3-layout",)),
    Broken("errorcode before receivetime", _order("receivetime", "errorcode"), ("4.3-layout",)),
    Broken("elements of a reply in another order", _order("content", "receivetime"), ("5.3-layout",)),
    Broken(
        "no successCounts in a refusal",
        Fault(text=lambda text, call: text.replace("\n <successCounts>0</successCounts>", "")),
        ("1.3-credentials-wrong",),
    ),
    Broken("no payinfo in a refusal", says("\n <payinfo></payinfo>", ""), ("2.3-credentials-wrong",)),
    Broken("no errorcode in a report", _without("errorcode"), ("4.3-layout",)),
    Broken("no extno in a report", _without("extno", _REPORTS), ("4.3-layout", "1.2-extno")),
    Broken("no extno in a reply", _without("extno", _REPLIES), ("5.3-layout",)),
    Broken(
        "returnstatus in checkkeyword",
        Fault(
            text=lambda text, call: (
                text.replace("\n <message>", "\n <returnstatus>Success</returnstatus>\n <message>")
                if "returnstatus" not in text and "message" in text
                else text
            )
        ),
        ("3.3-forbidden", "3.3-nothing-forbidden"),
    ),
    Broken("one element too many", says("</successCounts>", "</successCounts>\n <time>0</time>"), ("1.3-ok",)),
    Broken("white space inside an element", says("<taskID>", "<taskID> "), ("1.3-ok",)),
    Broken("white space inside overage", says("</overage>", "\n </overage>"), ("2.3-found",)),
    Broken("white space inside a box", says("<mobile>", "<mobile> "), ("4.3-layout", "5.3-layout")),
    Broken("CRLF for LF", Fault(text=lambda text, call: text.replace("\n", "\r\n")), ("1.3-ok", "2.3-found")),
    Broken("no line feeds", Fault(text=lambda text, call: text.replace("\n ", "")), ("1.3-ok", "2.3-found")),
    Broken("two spaces before an element", says("\n <", "\n  <"), ("1.3-ok", "2.3-found")),
    Broken("no declaration", Fault(text=lambda text, call: text.partition("?>")[2]), ("2.3-found", "3.3-forbidden")),
    Broken("no space in the declaration", says(" ?>", "?>"), ("2.3-found", "3.3-forbidden")),
    Broken("UTF-8 in upper case", says("utf-8", "UTF-8"), ("2.3-found", "4.4-1")),
    Broken("gbk for gb2312", says('"gb2312"', '"gbk"'), ("2.3-found",)),
    Broken("utf-8 declared on the GBK page", says('"gb2312"', '"utf-8"'), ("2.3-found",)),
    Broken(
        "a space after nothing to fetch",
        says("<returnsms></returnsms>", "<returnsms>\n </returnsms>"),
        ("4.3-nothing", "5.3-nothing"),
    ),
    Broken("an empty element closed in one tag", says("<message></message>", "<message/>"), ("2.3-found",)),
    Broken(
        "newer servers without CDATA", Fault(text=lambda text, call: re.sub(r"<!\[CDATA\[|\]\]>", "", text)), ("A12",)
    ),
    Broken("newer servers do not repeat the text", _without("checkCounts"), ("A13",)),
    Broken(
        "newer servers refuse overage in its own elements",
        Fault(
            text=lambda text, call: (
                text.replace("remainpoint", "payinfo").replace("taskID", "overage")
                if call.operation is protocol.OVERAGE
                else text
            )
        ),
        ("A14",),
    ),
)
