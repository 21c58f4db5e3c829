"""Check of an accepted request before its response: whether a diagnosis could find anything, and of what kind.

`find_suspicion` runs for every accepted request. Nearly all of them are usual, and decided by one pattern and a few
comparisons; the result of parsing the form is used again.
"""

import codecs
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import lru_cache
from math import nan
from typing import Final, Literal, TypeAlias

from sms10692 import protocol, signing
from sms10692_mock.codec.forms import ParsedForm
from sms10692_mock.diagnosis.accidental_text import check_accidental_text, may_be_accidental
from sms10692_mock.diagnosis.form_syntax import BROKEN_PERCENT, has_unencoded_plus
from sms10692_mock.diagnosis.mojibake import rare_character_ratio
from sms10692_mock.diagnosis.numbers import are_plain
from sms10692_mock.domain.api_request import ApiRequest

Suspicion: TypeAlias = Literal["", "style", "text"]
"""What a diagnosis may find in an accepted request: nothing, only request-style warnings, or anything."""

_TOLERANCE: Final = 540.0
"""Seconds between the clocks without a finding: a minute less than those of the style warnings."""
_SEND_TIME_TOLERANCE: Final = timedelta(minutes=4)


def find_suspicion(
    request: ApiRequest, form: ParsedForm, method: str, header_names: Collection[str], body: bytes, now: float
) -> Suspicion:
    """Return what a diagnosis may find in an accepted request, apart from faults and from polling a queue.

    **Where it returns "", the diagnosis finds nothing, and where it returns "style", nothing about text and numbers.**
    `form` is what `codec.forms.parse_form` returned, `header_names` are in lower case, and `now` is the time on the
    account's clock.
    """
    # The processor's caches are cold here: each function that is called costs more than what it computes.
    fields, _, is_regular, escaped = form
    endpoint, operation, _, _, credentials, mobile, content, send_time, _, _, _, _ = request
    if (
        is_regular
        and operation is protocol.SEND
        and method == "POST"
        and not send_time
        and "content-encoding" not in header_names
        and _SEND_PARAMETERS[endpoint].issuperset(fields)
        and (endpoint.authentication is protocol.PASSWORD or -_TOLERANCE <= _times[credentials[1]] - now <= _TOLERANCE)
        # the only escaped pair is that of the text, which is not ASCII and has no '%', see `_find_unusual`
        and (escaped == 1 or "%" not in "".join(fields.values()))
        and (_is_number(mobile) or _are_numbers(mobile))
        and _find_unusual(content, 1) is None
        and ("【一" <= content < "】" or content[:1] in _FIRST)
    ):
        return ""
    if (mobile and not are_plain(mobile)) or not _is_ordinary(content):
        return "text"
    is_conventional = method == "POST" and "content-encoding" not in header_names
    return "" if is_conventional and _is_conventional(request, form, body, now) else "style"


_is_number: Final = re.compile("1[0-9]{10}").fullmatch  # a pattern of its own: most sends have one number
_are_numbers: Final = re.compile("1[0-9]{10}(?:,1[0-9]{10})++").fullmatch
_SEND_PARAMETERS: Final = {
    endpoint: frozenset(map(str.lower, endpoint.parameters_of(protocol.SEND))) for endpoint in protocol.ENDPOINTS
}


class _UnixTimes(dict[str, float]):
    """Unix times by timestamp, of the last few; NaN, which is near no time, for a text that is no timestamp.

    Thread-safe. A look-up costs less than a call of a function with `lru_cache`.
    """

    def __missing__(self, timestamp: str) -> float:
        time = signing.parse_timestamp(timestamp)
        if time is None:
            return nan
        if len(self) >= _MAX_TIMES:
            self.clear()
        moment = self[timestamp] = time.timestamp()
        return moment


_MAX_TIMES: Final = 256
_times: Final = _UnixTimes()


@lru_cache(maxsize=64)
def _earliest_send_time(minute: float) -> str:
    return f"{datetime.fromtimestamp(minute * 60, signing.CHINA) - _SEND_TIME_TOLERANCE:%Y-%m-%d %H:%M:%S}"


def _starts_utf_8(character: str) -> bool:
    """Return whether the bytes of a character in GBK could be the beginning of a text in UTF-8."""
    lead, trail = character.encode("gb2312")
    return 0xC2 <= lead <= 0xDF and trail <= 0xBF


_LEVEL_1: Final = "".join(
    bytes((lead, trail)).decode("gb2312", "ignore") for lead in range(0xB0, 0xD8) for trail in range(0xA1, 0xFF)
)
"""The 3,755 most frequent Chinese characters."""
_FIRST: Final = frozenset(character for character in _LEVEL_1 if not _starts_utf_8(character))
"""Characters with which no Chinese text begins that is UTF-8 and was decoded as GBK."""
_HANZI: Final = r"\u4e00-\u951e\u9520-\u9982\u9984-\u9fa5"
"""All but the sign of lost characters, 锟斤拷, and 馃, with which an emoji begins that was read as GBK."""
_ASCII: Final = r"0-9 ,.:;!()*/~\n\r\-"  # escaped: with letters behind it, it would be a range
_MARKS: Final = "、。·…—“”‘’《》（），！？：；￥％＋"
_WORDS: Final = (
    "undefined|[Nn]ull|NULL|None|nil|[Nn]a[Nn]|Invalid|System|Array|Optional|Some|true|false|Traceback|"
    "[A-Za-z]{0,40}(?:Exception|Error)|xc0"
)
"""Words that are accidental under conditions, see `accidental_text`."""
_find_unusual: Final = re.compile(rf"[^{_MARKS}{_HANZI}{_ASCII}A-MO-Z】]").search
"""Finds a character with which a text may have a finding. **Without one, a text that begins with a signature or one of
`_FIRST` has none**: words of programs have small letters or an N. A search for one class takes a third of the time
of `_USUAL_TEXT`, which allows more.
"""
_USUAL_TEXT: Final = re.compile(
    rf"(?:【[{_HANZI}A-MO-Z0-9]{{2,20}}】|(?=[{_ASCII}A-Za-z]*+[{''.join(_FIRST)}（《]))"
    rf"(?:[{_MARKS}{_HANZI}{_ASCII}]++|(?!{_WORDS})[A-Za-z]++)*+"
).fullmatch
"""Texts without any finding: most texts that are really sent. They are Chinese, and contain nothing of a program."""

_ODD: Final = re.compile(
    r"""
      [\0-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u200b\u2060\ufeff]   # invisible
    | [\ue000-\uf8ff\ufffd锟馃]                                 # a lost character, private use, an emoji read as GBK
    | [\xa1-\xfe]{2}                                          # both halves of a character
    | [\xc2-\xf4][€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]                 # the same, read as Windows-1252
    | %(?:[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})
    | &(?:\#|[A-Za-z]{2,8};)
    | \\[ux]
    | [?]{2}
    | ^[A-Za-z0-9+/]{8,}={0,2}$
    """,
    re.VERBOSE,
)


_SUSPICIOUS: Final = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f%&?\\\x7f-\xfe\u200b\u2060\ufeff\ue000-\uf8ff\ufffd锟馃]")
"""The characters without which `_ODD` matches nothing in a text that is not ASCII. One character class is searched many
times faster than alternatives.
"""

_UTF_8: Final = re.compile(
    rb"(?:[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})*+"
)
_encode_gbk: Final = codecs.getencoder("gbk")  # resolved once: the look-up takes as long as encoding a text


_RARE_RATIO: Final = 0.5


def _is_ordinary(content: str) -> bool:
    """Return whether a diagnosis finds nothing in a text. False for every wrong text, and for few correct ones."""
    if _USUAL_TEXT(content):
        return True
    if may_be_accidental(content) and next(check_accidental_text(content), None) is not None:
        return False
    if content.isascii():
        return _ODD.search(content) is None
    if _SUSPICIOUS.search(content) and (
        _ODD.search(content) or ("?" in content and rare_character_ratio(content) > _RARE_RATIO)
    ):
        return False
    try:
        # The byte 0x80, which is no character of GBK, was decoded as a euro sign.
        raw = b"\x80".join([_encode_gbk(part)[0] for part in content.split("€")])
        return _UTF_8.fullmatch(raw) is None  # otherwise the text is UTF-8 that was decoded as GBK
    except UnicodeEncodeError:
        return True


_KNOWN_PARAMETERS: Final = {
    (endpoint, operation): frozenset(map(str.lower, endpoint.parameters_of(operation)))
    for endpoint in protocol.ENDPOINTS
    for operation in endpoint.operations
}
_TIMESTAMP: Final = protocol.SIGNED.parameters[1]


def _is_conventional(request: ApiRequest, form: ParsedForm, body: bytes, now: float) -> bool:
    """Return whether an accepted POST has no request-style warning."""
    fields, is_form, _, _ = form
    if not is_form or not body.isascii() or request.operation is None:
        return False
    known = _KNOWN_PARAMETERS.get((request.endpoint, request.operation), frozenset())  # a profile may add operations
    if body.count(b"&") != len(fields) - 1 or not known.issuperset(fields):
        return False  # text was lost, or a parameter was repeated
    if request.operation is protocol.CHECKKEYWORD and not request.content.strip():
        return False
    sent = request.send_time
    if sent and (sent[4:5] != "-" or sent < _earliest_send_time(now // 60)):  # some profiles have other formats
        return False
    if b"+" in body and has_unencoded_plus(body):
        return False
    if "%" in "".join(fields.values()) and BROKEN_PERCENT.search(body):
        return False
    timestamp = fields.get(_TIMESTAMP)
    return timestamp is None or -_TOLERANCE <= _times[timestamp] - now <= _TOLERANCE
