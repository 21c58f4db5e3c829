"""Why a request was refused, or its text is odd: from an entry of the journal to what the diagnosis finds.

Here belongs what of the emulator a diagnosis gets to see. What it finds is the affair of `diagnosis`; where that is
shown, of `pages` (the hint, the log) and of the control address.
"""

import codecs
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from sms10692 import protocol, signing
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import Fields, parse_fields
from sms10692_mock.diagnosis import DiagnosisContext, Finding, PreviousFetch, diagnose, is_signed, style_findings
from sms10692_mock.diagnosis.mojibake import rare_character_ratio
from sms10692_mock.diagnosis.request_style import FORM
from sms10692_mock.domain.accounts import Account, exclude_temporary
from sms10692_mock.domain.api_request import ApiRequest, match_endpoint, parse_request
from sms10692_mock.domain.records import LoggedRequest, Query
from sms10692_mock.domain.store import Store

_OTHERS: Final = 500
"""Accounts that a signature is tried with beside its own: the throw-away ones made last, and as many of the others."""

_LOOKED_BACK: Final = 50

_NOT_ASKED: Final = 400
"""The vendor answers HTTP 200 whatever it says (A7)."""


def reparse(entry: LoggedRequest) -> tuple[ApiRequest, Fields]:
    """The call that an entry of the journal was, and its fields."""
    page = match_endpoint(entry.path)
    if page is None:
        raise ValueError(f"{entry.path} is no page of the vendor's")
    fields = parse_fields(entry.query, content_type(entry), entry.body, DECODERS[page.charset])
    return parse_request(page, fields), fields


def content_type(entry: LoggedRequest) -> str:
    """What a request said of its body."""
    for name, value in entry.headers:
        if name.lower() == "content-type":
            return value
    return ""


def diagnose_logged(entry: LoggedRequest, store: Store) -> tuple[Finding, ...]:
    """What is wrong with a request; no finding has a password of an account that it is tried with in it.

    Nothing is found of one that the vendor was not asked about: its answer says why.
    """
    if entry.status >= _NOT_ASKED and not entry.faults:
        return ()
    asked = _asked(entry)
    return diagnose(
        asked._replace(
            account=store.account(asked.call.userid),
            others=_candidate_accounts(store),
            previous=_previous_fetch(entry, asked.call, store),
        )
    )


def public_findings(entry: LoggedRequest, store: Store) -> tuple[tuple[Finding, ...], bool]:
    """What is wrong with a request, as far as whoever sent it may know, and whether there may be more.

    Of the accounts nothing is used but the one that signed the request: otherwise a finding would confirm names,
    passwords and userids to whoever guesses them. Whether there may be more depends on the signature alone.
    """
    if entry.status >= _NOT_ASKED and not entry.faults:
        return (), False
    asked = _asked(entry)
    account = store.account(asked.call.userid)
    if account is not None and is_signed(asked, account, asked.call.timestamp, asked.call.sign):
        return diagnose(asked._replace(account=account, previous=_previous_fetch(entry, asked.call, store))), False
    return tuple(one for one in diagnose(asked) if one.code != _UNKNOWN), True


_UNKNOWN: Final = "signature.userid-unknown"
"""Found of every userid where no account is looked at."""


def _asked(entry: LoggedRequest) -> DiagnosisContext:
    """A request as the diagnosis takes it, without any account."""
    call, fields = reparse(entry)
    return DiagnosisContext(
        method=entry.method,
        query=entry.query,
        content_type=content_type(entry),
        body=entry.body,
        fields=fields,
        call=call,
        account=None,
        others=(),
        now=entry.now,
    )


def _candidate_accounts(store: Store) -> list[Account]:
    """Those that are there to stay come first: they are not forgotten because many tests made accounts since."""
    last = store.accounts(_OTHERS)
    if len(last) < _OTHERS:
        return sorted(last, key=lambda account: account.throwaway)
    found = map(store.account, exclude_temporary(store.userids())[:_OTHERS])
    lasting = [account for account in found if account is not None]
    seen = {account.userid for account in lasting}
    return [*lasting, *(account for account in last if account.userid not in seen)]


def _previous_fetch(entry: LoggedRequest, call: ApiRequest, store: Store) -> PreviousFetch | None:
    if call.operation not in (protocol.STATUS, protocol.CALL):
        return None
    wanted = Query(after=entry.number, newest_first=True, limit=_LOOKED_BACK)
    for other in store.requests(call.userid, wanted).items:
        if other.operation == entry.operation and other.handed_out is not None:
            return PreviousFetch(other.now, other.handed_out)
    return None


_ODD: Final = re.compile(
    r"""
      [\0-\x08\x0b\x0c\x0e-\x1f\x7f-\xbf\u200b\u2060\ufeff]   # unseen, or the half of a character
    | [\ue000-\uf8ff\ufffd锟]                                   # what was lost, or is nobody's
    | [\xa1-\xfe]{2}
    | %(?:[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})
    | &[#A-Za-z]
    | \\[ux]
    | [?]{2}
    | ^[A-Za-z0-9+/]{8,}={0,2}$
    """,
    re.VERBOSE,
)


def needs_diagnosis(call: ApiRequest) -> bool:
    """Whether text or numbers of an accepted send are worth a diagnosis: true of all wrong ones, and of few others.

    Many times faster than a diagnosis, which no answer to a right request waits for.
    """
    content, mobile = call.content, call.mobile
    if mobile and not (mobile.isascii() and mobile.replace(",", "").isdigit()):
        return True
    if _ODD.search(content) is not None:
        return True
    if content.isascii():
        return False
    return _is_utf_8_read_as_gbk(content) or ("?" in content and rare_character_ratio(content) > _HALF)


_gbk: Final = codecs.getencoder("gbk")  # looking it up takes as long as encoding a text


def _is_utf_8_read_as_gbk(text: str) -> bool:
    try:
        raw = _gbk(text)[0]
    except UnicodeEncodeError:
        return False
    # That it is not is no exception here: to raise one would take longer than all the rest.
    read = raw.decode("utf-8", "replace")
    return "\ufffd" not in read or read.encode() == raw


_HALF: Final = 0.5


def style_warnings(
    entry: LoggedRequest, call: ApiRequest, fields: Fields, account: Account | None, previous: PreviousFetch | None
) -> Sequence[Finding]:
    """The habits of a request that was right: little is looked at where there are none, for its answer waits."""
    if _is_conventional(entry, call, fields) and previous is None:
        return ()
    return style_findings(
        DiagnosisContext(
            method=entry.method,
            query=entry.query,
            content_type=content_type(entry),
            body=entry.body,
            fields=fields,
            call=call,
            account=account,
            others=(),
            now=entry.now,
            previous=previous,
        )
    )


_KNOWN: Final = {
    operation: frozenset(name.lower() for name in operation.parameters) for operation in protocol.OPERATIONS
}
_MINUTES_OFF: Final = 9
"""A minute less than what the habit allows, because the times below are those of the minute's begin."""


def _is_conventional(entry: LoggedRequest, call: ApiRequest, fields: Fields) -> bool:
    """Whether no habit but those of queues can be found."""
    if entry.method != "POST" or entry.query or not entry.body.isascii() or call.operation is None:
        return False
    if content_type(entry) != FORM or not _KNOWN[call.operation].issuperset(fields):
        return False
    earliest, latest = _accepted_timestamps(entry.now // 60)
    return len(call.timestamp) == len(earliest) and earliest <= call.timestamp <= latest


@lru_cache(maxsize=64)
def _accepted_timestamps(minute: float) -> tuple[str, str]:
    """The earliest and the latest timestamp that nobody calls stale in this minute since 1970."""
    moment = datetime.fromtimestamp(minute * 60, signing.CHINA)
    off = timedelta(minutes=_MINUTES_OFF)
    return signing.format_timestamp(moment - off), signing.format_timestamp(moment + off)
