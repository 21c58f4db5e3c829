"""Broken vendors: each the emulator with exactly one fault, and the clauses that must fail for it.

Here belongs the table of faults, in families. Where a fault is put in is in `vendors`.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from threading import Lock
from typing import Final, NamedTuple

from sms10692 import contract, signing
from sms10692.contract import Page
from sms10692_mock.accounts import Account
from sms10692_mock.answers import Answer, Balance, Checked, Refusal, Replies, Reports, Sent
from sms10692_mock.calls import Call
from sms10692_mock.checks import Case, Check
from sms10692_mock.http.pages import Request
from sms10692_mock.keywords import Keywords
from sms10692_mock.stores.memory import MemoryStore
from sms10692_mock.stores.protocol import Reply, Report, Standing
from sms10692_mock.vendor import Vendor
from vendors import Fault


class Broken(NamedTuple):
    """A vendor with one fault, and what the suite must say about it."""

    name: str
    fault: Fault
    clauses: tuple[str, ...]


# Words and layout


def _says(old: str, new: str, only: str = "") -> Fault:
    return Fault(text=lambda text, call: text.replace(old, new) if not only or only in text else text)


def _order(first: str, second: str, only: str = "") -> Fault:
    swap = re.compile(f"(<{first}>.*?</{first}>)(\\s*)(<{second}>.*?</{second}>)", re.DOTALL)
    return Fault(text=lambda text, call: swap.sub(r"\3\2\1", text) if only in text else text)


def _without(name: str, only: str = "") -> Fault:
    gone = re.compile(f"\n <{name}>.*?</{name}>", re.DOTALL)
    return Fault(text=lambda text, call: gone.sub("", text) if only in text else text)


_SENT, _FOUND, _REPORTS, _REPLIES = "successCounts>", "sendTotal>", "statusbox>", "callbox>"

WORDS: Final = (
    Broken("Sucess corrected", _says("Sucess", "Success"), ("2.3-found",)),
    Broken("Sucess in lower case", _says("Sucess", "sucess"), ("2.3-found",)),
    Broken("Success misspelt", _says("Success<", "Sucess<"), ("1.3-ok",)),
    Broken("Faild corrected in send", _says("Faild", "Failed", _SENT), ("1.3-credentials-wrong", "1.3-forbidden")),
    Broken(
        "Faild corrected in overage",
        _says("Faild", "Failed", _FOUND),
        ("2.3-credentials-wrong", "2.3-credentials-empty"),
    ),
    Broken("Faild in lower case", _says("Faild", "faild"), ("1.3-credentials-wrong", "2.3-credentials-wrong")),
    Broken("ok in upper case", _says(">ok<", ">OK<"), ("1.3-ok",)),
    Broken("a message where overage has none", _says("<message></message>", "<message>ok</message>"), ("2.3-found",)),
    Broken("the colon forgotten in send", _says("字符：", "字符"), ("1.3-forbidden",)),
    Broken("the colon half-width", _says("字符：", "字符:"), ("1.3-forbidden",)),
    Broken("a colon in checkkeyword", _says("非法字符<", "非法字符：<"), ("3.3-forbidden",)),
    Broken("the word appended", _says("字符：", "字符：发票"), ("1.3-forbidden",)),
    Broken("没有包含屏蔽词 misspelt", _says("屏蔽词", "敏感词"), ("3.3-nothing-forbidden",)),
    Broken("prepaid misspelt", _says("预付费", "预付"), ("2.3-found", "2.3-payinfo")),
    Broken(
        "pre- and postpaid exchanged",
        Fault(
            answer=lambda call, one: (
                one._replace(payinfo={"预付费": "后付费", "后付费": "预付费"}[one.payinfo])
                if isinstance(one, Balance)
                else one
            )
        ),
        ("2.3-payinfo",),
    ),
    Broken("sql in upper case", _says("sql注入", "SQL注入"), ("1.3-sql",)),
    Broken("the comma of the balance half-width", _says("对不起，", "对不起,"), ("1.3-balance",)),
    Broken("taskID spelt taskid", _says("taskID", "taskid", _SENT), ("1.3-ok", "1.3-credentials-wrong")),
    Broken("taskid spelt taskID", _says("taskid>", "taskID>", _REPORTS), ("4.3-layout",)),
    Broken("errorstatus spelt errorStatus", _says("errorstatus", "errorStatus"), ("4.4-1", "5.4-1")),
    Broken("remark spelt message", _says("remark>", "message>"), ("4.4-1", "4.4-2")),
    Broken(
        "the errors from zero",
        Fault(text=lambda text, call: re.sub(r"<error>(\d)<", lambda found: f"<error>{int(found[1]) - 1}<", text)),
        ("4.4-1", "4.4-2", "5.4-1"),
    ),
    Broken("DELIVRD corrected", _says("DELIVRD", "DELIVERED"), ("4.3-status",)),
)

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
    Broken("no payinfo in a refusal", _says("\n <payinfo></payinfo>", ""), ("2.3-credentials-wrong",)),
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
    Broken("one element too many", _says("</successCounts>", "</successCounts>\n <time>0</time>"), ("1.3-ok",)),
    Broken("white space inside an element", _says("<taskID>", "<taskID> "), ("1.3-ok",)),
    Broken("white space inside overage", _says("</overage>", "\n </overage>"), ("2.3-found",)),
    Broken("white space inside a box", _says("<mobile>", "<mobile> "), ("4.3-layout", "5.3-layout")),
    Broken("CRLF for LF", Fault(text=lambda text, call: text.replace("\n", "\r\n")), ("1.3-ok", "2.3-found")),
    Broken("no line feeds", Fault(text=lambda text, call: text.replace("\n ", "")), ("1.3-ok", "2.3-found")),
    Broken("two spaces before an element", _says("\n <", "\n  <"), ("1.3-ok", "2.3-found")),
    Broken("no declaration", Fault(text=lambda text, call: text.partition("?>")[2]), ("2.3-found", "3.3-forbidden")),
    Broken("no space in the declaration", _says(" ?>", "?>"), ("2.3-found", "3.3-forbidden")),
    Broken("UTF-8 in upper case", _says("utf-8", "UTF-8"), ("2.3-found", "4.4-1")),
    Broken("gbk for gb2312", _says('"gb2312"', '"gbk"'), ("2.3-found",)),
    Broken("utf-8 declared on the GBK page", _says('"gb2312"', '"utf-8"'), ("2.3-found",)),
    Broken(
        "a space after nothing to fetch",
        _says("<returnsms></returnsms>", "<returnsms>\n </returnsms>"),
        ("4.3-nothing", "5.3-nothing"),
    ),
    Broken("an empty element closed in one tag", _says("<message></message>", "<message/>"), ("2.3-found",)),
)


# Charsets and escapes


def _encoded_in_utf8(body: bytes, page: Page) -> bytes:
    return body if page is not contract.V2SMS_GBK else body.decode("gbk").encode("utf-8")


def _unencodable_lost(body: bytes, page: Page) -> bytes:
    return re.sub(rb"&#\d+;", b"?", body) if page is contract.V2SMS_GBK else body


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
    Broken("unencodable characters as ?", Fault(body=_unencodable_lost), ("R17-unencodable", "R14-euro")),
    Broken("& not escaped", _says("&amp;", "&"), ("5.3-escapes", "R17-escapes")),
    Broken("< not escaped", _says("&lt;", "<"), ("5.3-escapes", "R17-escapes")),
    Broken("> not escaped", _says("&gt;", ">"), ("5.3-escapes", "R17-escapes")),
    Broken("a carriage return not escaped", _says("&#13;", "\r"), ("R17-escapes",)),
    Broken("escaped twice", _says("&lt;", "&amp;lt;"), ("5.3-escapes", "R17-escapes")),
    Broken(
        "text/html",
        Fault(response=lambda call, one: one._replace(headers=[("Content-Type", "text/html; charset=utf-8")])),
        ("A7",),
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


# Checks missing and in another order


def _unchecked(message: str, chapter: str) -> Fault:
    def left(checks: tuple[Check, ...]) -> tuple[Check, ...]:
        return tuple(check for check in checks if check[0] != message) if _of(checks, chapter) else checks

    return Fault(checks=left)


def _of(checks: Sequence[Check], chapter: str) -> bool:
    kinds = {7: "send", 2: "asking", 5: "queue", 4: "queue", 3: "none"}
    return kinds[len(checks)] == chapter


def _swapped(place: int, chapter: str) -> Fault:
    def swap(checks: tuple[Check, ...]) -> tuple[Check, ...]:
        if not _of(checks, chapter):
            return checks
        return (*checks[:place], checks[place + 1], checks[place], *checks[place + 2 :])

    return Fault(checks=swap)


_UNCHECKED: Final = (
    (contract.CREDENTIALS_EMPTY, "send", ("1.3-credentials-empty", "R1-send")),
    (contract.SQL_INJECTION, "send", ("1.3-sql", "R8-injections", "R1-send")),
    (contract.CREDENTIALS_WRONG, "send", ("1.3-credentials-wrong", "R1-send")),
    (contract.MOBILE_EMPTY, "send", ("1.3-mobile-empty", "R5-none", "R1-send")),
    (contract.CONTENT_EMPTY, "send", ("1.3-content-empty", "R18", "R1-send")),
    (contract.FORBIDDEN_IN_SEND, "send", ("1.3-forbidden", "R1-send")),
    (contract.OTHER_ERROR, "send", ("1.3-other", "R9-extno", "R9-sendTime", "R1-send")),
    (contract.CREDENTIALS_EMPTY, "asking", ("2.3-credentials-empty", "3.3-credentials-empty", "R2-blank")),
    (contract.CREDENTIALS_WRONG, "asking", ("2.3-credentials-wrong", "3.3-credentials-wrong", "1.2-sign-wrong")),
    (contract.CREDENTIALS_EMPTY, "queue", ("4.4-1", "5.4-1")),
    (contract.CREDENTIALS_WRONG, "queue", ("4.4-2", "5.4-2")),
    (contract.REPORTS_NOT_ALLOWED, "queue", ("4.4-3", "5.4-3")),
    (contract.PARAMETER_WRONG, "queue", ("4.4-4", "5.4-4")),
    (contract.OTHER_ERROR, "none", ("1.2-action",)),
)

CHECKS: Final = (
    *(
        Broken(f"{chapter} without the check {message}", _unchecked(message, chapter), clauses)
        for message, chapter, clauses in _UNCHECKED
    ),
    *(
        Broken(f"the checks {place + 1} and {place + 2} of send swapped", _swapped(place, "send"), ("R1-send",))
        for place in range(6)
        if place != 4
    ),  # a text of white space holds no word: these two never both apply
    *(
        Broken(
            f"the checks {place + 1} and {place + 2} of the queues swapped", _swapped(place, "queue"), ("R1-queues",)
        )
        for place in range(3)
    ),
    Broken(
        "the first two checks of overage swapped",
        _swapped(0, "asking"),
        ("2.3-credentials-empty", "3.3-credentials-empty"),
    ),
)


# Signatures


def _signed(right: Callable[[Case, Account], bool]) -> Fault:
    def wrong(case: Case) -> bool:
        return case.account is None or not right(case, case.account)

    def changed(checks: tuple[Check, ...]) -> tuple[Check, ...]:
        return tuple((message, wrong if message == contract.CREDENTIALS_WRONG else fails) for message, fails in checks)

    return Fault(checks=changed)


def _right(case: Case, one: Account) -> str:
    return signing.sign(one.account, one.password, case.call.timestamp)


def _by_any_userid() -> Fault:
    class Anybody(MemoryStore):
        def account(self, userid: str) -> Account | None:
            own = super().account(userid)
            return own if own or userid.strip() in ("", "12") else super().account(self.userids()[-1])

    return Fault(store=Anybody)


SIGNATURES: Final = (
    Broken(
        "a signature without case",
        _signed(lambda case, one: case.call.sign.lower() == _right(case, one)),
        ("1.2-sign-wrong",),
    ),
    Broken(
        "a signature over password + account",
        _signed(lambda case, one: case.call.sign == signing.sign(one.password, one.account, case.call.timestamp)),
        ("1.2-sign",),
    ),
    Broken(
        "half a signature is enough",
        _signed(lambda case, one: case.call.sign[:16] == _right(case, one)[:16]),
        ("1.2-sign-wrong",),
    ),
    Broken(
        "the end of a signature is enough",
        _signed(lambda case, one: case.call.sign[-8:] == _right(case, one)[-8:]),
        ("1.2-sign-wrong",),
    ),
    Broken(
        "any beginning of a signature is enough",
        _signed(lambda case, one: _right(case, one).startswith(case.call.sign)),
        ("1.2-sign-wrong",),
    ),
    Broken(
        "the timestamp is not signed",
        _signed(lambda case, one: case.call.sign in (_right(case, one), signing.sign(one.account, one.password, ""))),
        ("1.2-sign-wrong",),
    ),
    Broken("any signature", _signed(lambda case, one: True), ("1.2-sign-wrong", "1.3-credentials-wrong")),
    Broken(
        "only timestamps of 14 digits",
        _signed(lambda case, one: len(case.call.timestamp) == 14 and case.call.sign == _right(case, one)),
        ("Q13",),
    ),
    Broken("GBK signatures on no page", _signed(lambda case, one: case.call.sign == _right(case, one)), ("R4",)),
    Broken("any userid", _by_any_userid(), ("1.2-userid",)),
)


# How parameters are placed


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


# Queues


class _Twice(MemoryStore):
    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        items = super().take_reports(userid, limit, now)
        self.put(userid, items[-1:] if len(items) > 1 else [], [], now)
        return items


class _NeverForgets(MemoryStore):
    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        items = super().take_reports(userid, limit, now)
        self.put(userid, items, [], now)
        return items


class _RepliesTwice(MemoryStore):
    def take_replies(self, userid: str, now: float) -> list[Reply]:
        items = super().take_replies(userid, now)
        self.put(userid, [], items, now)
        return items


class _Reversed(MemoryStore):
    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        return super().take_reports(userid, limit, now)[::-1]


class _LastInFirstOut(MemoryStore):
    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        items = super().take_reports(userid, 10**9, now)
        kept = max(len(items) - limit, 0)
        self.put(userid, items[:kept], [], now)
        return items[kept:]


class _OneMore(MemoryStore):
    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        return super().take_reports(userid, limit + 1, now)


class _AtMostTen(MemoryStore):
    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        return super().take_reports(userid, min(limit, 10), now)


class _AllAtOnce(MemoryStore):
    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        return super().take_reports(userid, 10**9, now)


class _RestLost(MemoryStore):
    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        return super().take_reports(userid, 10**9, now)[:limit]


class _HalfLost(MemoryStore):
    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        items = super().take_reports(userid, limit, now)
        return items[: len(items) // 2] if len(items) > 3 else items


class _OneReply(MemoryStore):
    def take_replies(self, userid: str, now: float) -> list[Reply]:
        items = super().take_replies(userid, now)
        self.put(userid, [], items[1:], now)
        return items[:1]


class _RepliesReversed(MemoryStore):
    def take_replies(self, userid: str, now: float) -> list[Reply]:
        return super().take_replies(userid, now)[::-1]


class _Shared(MemoryStore):
    """The queues of the newest accounts are everybody's."""

    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        items = super().take_reports(userid, limit, now)
        for other in self.userids()[-3:]:
            if other != userid and len(items) < limit:
                items += super().take_reports(other, 1, now)
        return items


class _RepliesShared(MemoryStore):
    def take_replies(self, userid: str, now: float) -> list[Reply]:
        return [reply for one in self.userids() for reply in super(_RepliesShared, self).take_replies(one, now)]


class _Race(MemoryStore):
    """Looks first, and takes away later."""

    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        items = super().take_reports(userid, 10**9, now)
        self.put(userid, items, [], now)
        time.sleep(0.002)  # the window that the race needs
        others = [one for one in super().take_reports(userid, 10**9, now) if one not in items[:limit]]
        self.put(userid, others, [], now)
        return items[:limit]


class _RaceThatLoses(MemoryStore):
    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        seen = super().take_reports(userid, 10**9, now)
        self.put(userid, seen, [], now)
        time.sleep(0.002)  # the window that the race needs
        return [one for one in super().take_reports(userid, limit, now) if one in seen[:limit]]


class _Early(MemoryStore):
    """Scheduled messages are reported at once."""

    def accept(
        self, userid: str, cost: int, reports: Sequence[Report], replies: Sequence[Reply], now: float
    ) -> int | None:
        return super().accept(userid, cost, [one._replace(due=min(one.due, now)) for one in reports], replies, now)


class _NeverLater(MemoryStore):
    def accept(
        self, userid: str, cost: int, reports: Sequence[Report], replies: Sequence[Reply], now: float
    ) -> int | None:
        return super().accept(userid, cost, [one for one in reports if one.due <= now + 60], replies, now)


def _reports(change: Callable[[Report], Report]) -> Fault:
    return Fault(
        answer=lambda call, one: Reports([change(report) for report in one.boxes]) if isinstance(one, Reports) else one
    )


def _replies(change: Callable[[Reply], Reply]) -> Fault:
    return Fault(
        answer=lambda call, one: Replies([change(reply) for reply in one.boxes]) if isinstance(one, Replies) else one
    )


def _takes(store: type[MemoryStore]) -> Fault:
    return Fault(store=store)


def _lost_on_refusal() -> Fault:
    class Losing(Vendor):
        def answer(self, call: Call) -> tuple[Answer, Account | None]:
            answer, account = super().answer(call)
            if isinstance(answer, Refusal) and account is not None and call.operation is contract.STATUS:
                self.store.take_reports(account.userid, 10**6, self.now(account))
            return answer, account

    return Fault(vendor=Losing, checks=lambda checks: ())


QUEUES: Final = (
    Broken("reports never leave the queue", _takes(_NeverForgets), ("4.1-once", "M-once")),
    Broken("the last of several reports stays", _takes(_Twice), ("4.2-statusNum", "M-once")),
    Broken("replies never leave the queue", _takes(_RepliesTwice), ("5.1-once", "M-once")),
    Broken("reports in reverse", _takes(_Reversed), ("R10-order",)),
    Broken("reports last in, first out", _takes(_LastInFirstOut), ("R10-order",)),
    Broken("one report more than asked for", _takes(_OneMore), ("4.2-statusNum",)),
    Broken("ten reports at most", _takes(_AtMostTen), ("4.2-statusNum", "4.2-default")),
    Broken("statusNum is ignored", _takes(_AllAtOnce), ("4.2-statusNum", "4.2-default")),
    Broken("what was not asked for is lost", _takes(_RestLost), ("4.2-statusNum",)),
    Broken("half a batch is lost", _takes(_HalfLost), ("1.2-mobile", "M-lost")),
    Broken(
        "100 by default",
        Fault(call=lambda call: call._replace(status_num=call.status_num.strip() or "100")),
        ("4.2-default",),
    ),
    Broken("one reply at a time", _takes(_OneReply), ("R10-calls",)),
    Broken("replies in reverse", _takes(_RepliesReversed), ("R10-calls",)),
    Broken(
        "statusNum limits replies",
        Fault(answer=lambda call, one: Replies(one.boxes[:1]) if isinstance(one, Replies) and call.status_num else one),
        ("R10-calls",),
    ),
    Broken("another account's reports", _takes(_Shared), ("1.2-own", "M-private")),
    Broken("another account's replies", _takes(_RepliesShared), ("1.2-own", "M-private")),
    Broken("two fetchers get the same reports", _takes(_Race), ("C-twice",)),
    Broken("two fetchers lose reports", _takes(_RaceThatLoses), ("C-lost",)),
    Broken("scheduled messages are reported at once", _takes(_Early), ("1.2-sendTime",)),
    Broken("scheduled messages are never reported", _takes(_NeverLater), ("1.2-sendTime",)),
    Broken(
        "sendTime is ignored", Fault(call=lambda call: call._replace(send_time="")), ("1.2-sendTime", "R9-sendTime")
    ),
    Broken("a refused fetch empties the queue", _lost_on_refusal(), ("R11-refused",)),
    Broken("extno is not echoed", _reports(lambda one: one._replace(extno="")), ("1.2-extno",)),
    Broken("extno is a number", _reports(lambda one: one._replace(extno=str(int(one.extno or 0)))), ("1.2-extno",)),
    Broken("extno of replies is not echoed", _replies(lambda one: one._replace(extno="")), ("1.2-extno",)),
    Broken(
        "status and errorcode exchanged",
        Fault(
            text=lambda text, call: re.sub(
                r"<status>(.*?)</status>(.*?)<errorcode>(.*?)</errorcode>",
                r"<status>\3</status>\2<errorcode>\1</errorcode>",
                text,
                flags=re.DOTALL,
            )
        ),
        ("4.3-layout", "4.3-status"),
    ),
    Broken("10 and 20 exchanged", _reports(lambda one: one._replace(status=30 - one.status)), ("4.3-status",)),
    Broken(
        "receivetime in UTC", _reports(lambda one: one._replace(due=one.due - 8 * 3600)), ("4.3-receivetime", "R12")
    ),
    Broken(
        "receivetime with slashes",
        Fault(text=lambda text, call: re.sub(r"(\d{4})-(\d\d)-(\d\d) ", r"\1/\2/\3 ", text)),
        ("4.3-layout", "5.3-layout"),
    ),
    Broken("another task in reports", _reports(lambda one: one._replace(task_id=one.task_id + 1)), ("4.3-taskid",)),
    Broken("another task in replies", _replies(lambda one: one._replace(task_id=one.task_id + 1)), ("5.3-taskid",)),
    Broken(
        "numbers without their first digit",
        _reports(lambda one: one._replace(mobile=one.mobile[1:])),
        ("4.3-taskid", "1.2-mobile"),
    ),
    Broken(
        "a HEAD request is no fetch",
        Fault(request=lambda page, one: one._replace(query=b"") if one.method == "HEAD" else one),
        ("R11-head",),
    ),
)


# Money and tasks


def _charges(change: Callable[[int, int], int]) -> Fault:
    """Charge something else; from the cost and the balance."""

    class Charging(MemoryStore):
        def accept(
            self, userid: str, cost: int, reports: Sequence[Report], replies: Sequence[Reply], now: float
        ) -> int | None:
            other = change(cost, self.standing(userid).points)
            return super().accept(userid, other, reports, replies, now)

    return Fault(store=Charging)


class _Spends(Vendor):
    """Refuses, and takes what it could get."""

    def send(
        self, account: Account, now: float, mobile: str, content: str, send_time: str, extno: str
    ) -> Sent | Refusal:
        answer = super().send(account, now, mobile, content, send_time, extno)
        if answer == Refusal(contract.BALANCE_TOO_SMALL):
            self.store.charge_up(account.userid, -self.store.standing(account.userid).points)
        return answer


class _EdgeRace(MemoryStore):
    def accept(
        self, userid: str, cost: int, reports: Sequence[Report], replies: Sequence[Reply], now: float
    ) -> int | None:
        points = self.standing(userid).points
        account = self.account(userid)
        if cost > points and not (account and account.postpaid):
            return None
        time.sleep(0.002)  # the window that the race needs
        self.charge_up(userid, -cost)
        self.put(userid, reports, replies, now)
        return self.standing(userid).points


class _Overdrawn(Vendor):
    def send(
        self, account: Account, now: float, mobile: str, content: str, send_time: str, extno: str
    ) -> Sent | Refusal:
        answer = super().send(account, now, mobile, content, send_time, extno)
        if answer == Refusal(contract.BALANCE_TOO_SMALL):
            self.store.charge_up(account.userid, 1)
            answer = super().send(account, now, mobile, content, send_time, extno)
            if isinstance(answer, Refusal):
                self.store.charge_up(account.userid, -1)
        return answer


class _QueuesRefused(Vendor):
    def send(
        self, account: Account, now: float, mobile: str, content: str, send_time: str, extno: str
    ) -> Sent | Refusal:
        answer = super().send(account, now, mobile, content, send_time, extno)
        if answer == Refusal(contract.BALANCE_TOO_SMALL):
            self.store.put(account.userid, [Report(now, mobile, 1, 10, "DELIVRD", extno)], [], now)
        return answer


class _TotalShrinks(MemoryStore):
    def standing(self, userid: str) -> Standing:
        standing = super().standing(userid)
        return Standing(standing.points, standing.points)


def _tasks(given: Callable[[], Iterator[int]]) -> Fault:
    class Tasks(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self._given, self._one_by_one = given(), Lock()

        def next_task_id(self) -> int:
            with self._one_by_one:
                return next(self._given)

    return Fault(store=Tasks)


def _parts(one: int, several: int) -> Callable[[str], int]:
    def price(text: str) -> int:
        units = len(text.encode("utf-16-le")) // 2
        return 1 if units <= one else -(-units // several)

    return price


class _ChargedRefusals(Vendor):
    def answer(self, call: Call) -> tuple[Answer, Account | None]:
        answer, account = super().answer(call)
        if isinstance(answer, Refusal) and account is not None and call.operation is contract.SEND:
            self.store.charge_up(account.userid, -1)
        return answer, account


def _sent(change: Callable[[Sent], Sent]) -> Fault:
    return Fault(answer=lambda call, one: change(one) if isinstance(one, Sent) else one)


MONEY: Final = (
    Broken("charged twice", _charges(lambda cost, points: 2 * cost), ("R6-parts", "R6-remainpoint")),
    Broken("never charged", _charges(lambda cost, points: 0), ("R6-parts", "R6-remainpoint")),
    Broken(
        "the last point cannot be spent", _charges(lambda cost, points: cost + (cost == points) * 10**9), ("R6-edge",)
    ),
    Broken("a point too many can be spent", Fault(vendor=_Overdrawn), ("R6-edge",)),
    Broken("a refusal takes the balance", Fault(vendor=_Spends), ("R6-edge", "R6-refused")),
    Broken("a refusal costs a point", Fault(vendor=_ChargedRefusals, checks=lambda checks: ()), ("R6-refused",)),
    Broken("a refused send is reported", Fault(vendor=_QueuesRefused), ("R6-refused",)),
    Broken("sends at once overdraw", Fault(store=_EdgeRace), ("C-balance",)),
    Broken("69 characters a part", Fault(billing=_parts(69, 67)), ("R6-parts",)),
    Broken("71 characters a part", Fault(billing=_parts(71, 67)), ("R6-parts",)),
    Broken("66 characters of several", Fault(billing=_parts(70, 66)), ("R6-parts",)),
    Broken("68 characters of several", Fault(billing=_parts(70, 68)), ("R6-parts",)),
    Broken("70 characters of several", Fault(billing=_parts(70, 70)), ("R6-parts",)),
    Broken(
        "characters, not UTF-16 units",
        Fault(billing=lambda text: 1 if len(text) <= 70 else -(-len(text) // 67)),
        ("R6-parts",),
    ),
    Broken(
        "140 letters a part",
        Fault(billing=lambda text: 1 if text.isascii() and len(text) <= 140 else _parts(70, 67)(text)),
        ("R6-parts",),
    ),
    Broken("a number costs a point", Fault(billing=lambda text: 1), ("R6-parts",)),
    Broken(
        "remainpoint is the balance before",
        _sent(lambda one: one._replace(remainpoint=one.remainpoint + 1)),
        ("R6-remainpoint",),
    ),
    Broken(
        "overage is a point behind",
        Fault(answer=lambda call, one: one._replace(overage=one.overage + 1) if isinstance(one, Balance) else one),
        ("R6-remainpoint", "R6-edge"),
    ),
    Broken(
        "successCounts is one too many",
        _sent(lambda one: one._replace(success_counts=one.success_counts + 1)),
        ("1.2-mobile",),
    ),
    Broken("sendTotal is what is left", Fault(store=_TotalShrinks), ("2.3-sendTotal",)),
    Broken(
        "the post-paid balance is positive",
        Fault(answer=lambda call, one: one._replace(overage=abs(one.overage)) if isinstance(one, Balance) else one),
        ("R6-postpaid",),
    ),
    Broken("a taskID is used again", _tasks(lambda: (100001 + place % 5 for place in count())), ("1.3-taskID",)),
    Broken("taskIDs fall", _tasks(lambda: count(999999, -1)), ("1.3-taskID",)),
    Broken("every task is the same", _tasks(lambda: (100001 for _ in count())), ("1.3-taskID", "C-taskID")),
    Broken(
        "the full-width comma divides",
        Fault(call=lambda call: call._replace(mobile=call.mobile.replace("，", ","))),
        ("R5-trimmed",),
    ),
    Broken(
        "numbers given twice are sent once",
        Fault(call=lambda call: call._replace(mobile=",".join(dict.fromkeys(call.mobile.split(","))))),
        ("R5-twice",),
    ),
    Broken(
        "forbidden words only at the beginning",
        Fault(
            call=lambda call: call._replace(
                content=call.content if call.content.startswith("发票") else call.content.replace("发票", "")
            )
        ),
        ("3.2-content", "1.3-forbidden"),
    ),
    Broken("no forbidden words", Fault(keywords=lambda: Keywords(())), ("3.3-forbidden", "1.3-forbidden")),
    Broken(
        "every text is forbidden",
        Fault(answer=lambda call, one: Checked("包含非法字符", "") if isinstance(one, Checked) else one),
        ("3.3-nothing-forbidden", "3.2-content"),
    ),
    Broken("single characters of a word are forbidden", Fault(keywords=lambda: Keywords("发票")), ("3.2-content",)),
)

FAULTS: Final = (*WORDS, *LAYOUT, *CHARSETS, *CHECKS, *SIGNATURES, *FORMS, *QUEUES, *MONEY)
