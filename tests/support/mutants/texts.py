"""Defects of texts: forbidden words that are missed at some place or in some request, and characters that get lost."""

import re
from collections.abc import Callable
from typing import Final

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.app.vendor_app import VendorRequest
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.results import CheckedText, RepliesResult, Result
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant

_WORD: Final = "发票"
_WORD_ON_THE_WIRE: Final = tuple(
    form
    for charset in ("utf-8", "gbk")
    for raw in [_WORD.encode(charset)]
    for form in (raw, "".join(f"%{byte:02X}" for byte in raw).encode())
)


def searching(change: Callable[[str], str]) -> Defect:
    """Search for forbidden words in the changed text."""

    class DefectiveKeywords(Keywords):
        def contains_any(self, text: str) -> bool:
            return super().contains_any(change(text))

    return Defect(keywords=DefectiveKeywords)


def _searching_parts(split: Callable[[str], list[str]]) -> Defect:
    """Search for forbidden words in each part of a text."""

    class DefectiveKeywords(Keywords):
        def contains_any(self, text: str) -> bool:
            return any(super(DefectiveKeywords, self).contains_any(part) for part in split(text))

    return Defect(keywords=DefectiveKeywords)


def _split_every(length: int) -> Callable[[str], list[str]]:
    return lambda text: [text[start : start + length] for start in range(0, len(text), length)]


def _not_searching(applies: Callable[[ApiRequest], bool]) -> Defect:
    """Find no forbidden word in some requests."""
    return Defect(
        api_request=lambda request: (
            request._replace(content=request.content.replace(_WORD, "通知")) if applies(request) else request
        )
    )


def _not_searching_http(applies: Callable[[VendorRequest], bool]) -> Defect:
    """Find no forbidden word in some HTTP requests."""

    def change(endpoint: Endpoint, request: VendorRequest) -> VendorRequest:
        if not applies(request):
            return request
        query, body = request.query, request.body
        for raw in _WORD_ON_THE_WIRE:
            query, body = query.replace(raw, b"x"), body.replace(raw, b"x")
        return request._replace(query=query, body=body)

    return Defect(http_request=change)


def _is_send(request: VendorRequest) -> bool:
    return b"send" in request.query + request.body


class CaseSensitiveKeywords(Keywords):
    """Finds words in the case of the list only."""

    def contains_any(self, text: str) -> bool:
        return any(word in text for word in self.words)


class ScannedKeywords(Keywords):
    """Does not look again at the character at which a partial match ended."""

    def contains_any(self, text: str) -> bool:
        return any(self._scan(text, word) for word in self.words)

    @staticmethod
    def _scan(text: str, word: str) -> bool:
        matched = 0
        for character in text:
            matched = matched + 1 if character == word[matched] else 0
            if matched == len(word):
                return True
        return False


class CandidateKeywords(Keywords):
    """Looks for a word only where its first character occurs first."""

    def contains_any(self, text: str) -> bool:
        return any(text.startswith(word, text.find(word[0])) for word in self.words if word[0] in text)


class FirstKeyword(Keywords):
    """Finds the first word of the list only."""

    def contains_any(self, text: str) -> bool:
        return self.words[0] in text


def _changing_replies(change: Callable[[str], str]) -> Defect:
    """Change the texts of the replies that a fetch returns."""

    def change_result(request: ApiRequest, result: Result) -> Result:
        if not isinstance(result, RepliesResult):
            return result
        return RepliesResult([reply._replace(content=change(reply.content)) for reply in result.items])

    return Defect(result=change_result)


TEXTS: Final = (
    Mutant("only the first word of the list is found", Defect(keywords=FirstKeyword), ("R8-each-word",)),
    Mutant(
        "a forbidden word behind its own first character is missed",
        Defect(keywords=ScannedKeywords),
        ("R8-places", "R8-places-send"),
    ),
    Mutant(
        "a forbidden word is looked for at its first character only",
        Defect(keywords=CandidateKeywords),
        ("R8-places", "R8-places-send"),
    ),
    Mutant(
        "a repeated character hides a forbidden word",
        searching(lambda text: re.sub(r"(.)\1", "", text)),
        ("R8-places", "R8-places-send"),
    ),
    Mutant("a forbidden word behind 70 characters is missed", searching(lambda text: text[:70]), ("R8-places",)),
    Mutant("a forbidden word behind 1000 characters is missed", searching(lambda text: text[:1000]), ("R8-places",)),
    Mutant("a forbidden word behind 60,000 letters is missed", searching(lambda text: text[:60_000]), ("R8-places",)),
    Mutant("a forbidden word across two segments is missed", _searching_parts(_split_every(67)), ("R8-places",)),
    Mutant("a forbidden word across blocks of 1024 is missed", _searching_parts(_split_every(1024)), ("R8-places",)),
    Mutant(
        "a forbidden word across blocks of 65,536 is missed", _searching_parts(_split_every(65_536)), ("R8-places",)
    ),
    Mutant(
        "a forbidden word behind a line end is missed",
        searching(lambda text: re.split("[\r\n]", text, maxsplit=1)[0]),
        ("R8-places",),
    ),
    Mutant(
        "a forbidden word behind an emoji is missed",
        searching(lambda text: re.sub("[\U00010000-\U0010ffff].", "", text)),
        ("R8-places",),
    ),
    Mutant(
        "a forbidden word behind Latin letters is missed",
        searching(lambda text: re.sub("[a-z]发票", "", text)),
        ("R8-places",),
    ),
    Mutant("markup is removed before the search", searching(lambda text: re.sub("<.*>|&.*", "", text)), ("R8-places",)),
    Mutant(
        "a send on the GBK endpoint is not searched",
        _not_searching(lambda request: request.endpoint is protocol.V2SMS_GBK and request.operation is protocol.SEND),
        ("R8-places-send",),
    ),
    Mutant(
        "a scheduled send is not searched",
        _not_searching(lambda request: request.operation is protocol.SEND and bool(request.send_time)),
        ("R8-forms",),
    ),
    Mutant(
        "a send with an extno is not searched",
        _not_searching(lambda request: request.operation is protocol.SEND and bool(request.extno)),
        ("R8-forms",),
    ),
    Mutant(
        "a send to several numbers is not searched",
        _not_searching(lambda request: request.operation is protocol.SEND and "," in request.mobile),
        ("R8-forms",),
    ),
    Mutant(
        "a multipart send is not searched",
        _not_searching_http(lambda request: "multipart" in request.content_type and _is_send(request)),
        ("R8-forms",),
    ),
    Mutant(
        "a GET send is not searched",
        _not_searching_http(lambda request: request.method == "GET" and _is_send(request)),
        ("R8-forms",),
    ),
    Mutant(
        "a raw send is not searched",
        _not_searching_http(lambda request: bool(re.search(rb"[\x80-\xff]", request.body)) and _is_send(request)),
        ("R8-forms",),
    ),
    Mutant(
        "a character across two chunks is lost",
        Defect(
            join_chunks=lambda chunks: b"".join(
                re.sub(rb"%[0-9A-Fa-f]?$|[\xe0-\xff][\x80-\xbf]?$", b"", chunk) for chunk in chunks
            )
        ),
        ("F-framing",),
    ),
    Mutant("a reply is cut to one segment", _changing_replies(lambda content: content[:70]), ("R17-replies",)),
    Mutant(
        "a reply ends at its first line end",
        _changing_replies(lambda content: re.split("[\r\n]", content)[0]),
        ("R17-replies",),
    ),
    Mutant("white space around a reply is removed", _changing_replies(str.strip), ("R17-replies",)),
    Mutant(
        "a reply of more than 500 characters is empty",
        _changing_replies(lambda content: content if len(content) <= 500 else ""),
        ("R17-replies",),
    ),
    Mutant(
        "apostrophes are removed from numbers in reports",
        Defect(text=lambda text, request: text.replace("'", "") if "statusbox" in text else text),
        ("R17-numbers",),
    ),
    Mutant(
        "quotes are doubled in reports",
        Defect(text=lambda text, request: re.sub('(?<=<mobile>)(.*)"', '\\1""', text)),
        ("R17-numbers",),
    ),
    Mutant(
        "rare characters in reports become ?",
        Defect(
            text=lambda text, request: re.sub("[\U00010000-\U0010ffff]", "?", text) if "statusbox" in text else text
        ),
        ("R17-numbers",),
    ),
    Mutant(
        "entities in reports are escaped twice",
        Defect(text=lambda text, request: re.sub("&(?=lt;)", "&amp;", text) if "statusbox" in text else text),
        ("R17-numbers",),
    ),
    Mutant(
        "an ASCII word is found in the case of the list only",
        Defect(keywords=lambda: CaseSensitiveKeywords(("发票", "Casino"))),
        ("R8-each-word",),
    ),
    Mutant(
        "checkkeyword on the GBK endpoint finds a word with a line end in it",
        Defect(
            result=lambda request, result: (
                CheckedText("包含非法字符", request.content)
                if isinstance(result, CheckedText) and _WORD in re.sub(r"\s", "", request.content)
                else result
            )
        ),
        ("R8-places",),
    ),
)
