"""Keys about the 【signature】 of a text."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from sms10692_contract.checks.brands.brand_account import each_profile
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import SEND_ENDPOINTS
from sms10692_contract.expectations import expect_sent
from sms10692_contract.harness import CheckContext
from sms10692_contract.learnable_keys import (
    MESSAGE,
    LearnableKey,
    ObservedValue,
    Reader,
    find_last,
    get_refusal,
    learn_text,
    read_edge_text,
    show_edge,
)
from sms10692_contract.probes import (
    LONGEST_SIGNATURE,
    NotObserved,
    ProbeSession,
    is_accepted,
)

_SIGNED: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "内容": ("no signature", frozenset({"optional"})),
    "【{}】内容": ("a signature in front", frozenset({"optional", "anywhere", "front"})),
    "内容【{}】": ("a signature at the end", frozenset({"optional", "anywhere", "end"})),
    "内【{}】容": ("a signature in the middle", frozenset({"optional", "anywhere"})),
    "【】内容【】": ("empty signatures", frozenset({"optional"})),
}
"""Texts with a place for the signature, what they have, and the `text_signature` with which they are accepted."""


@checks("D-text-signature")
def _a_text_has_the_signature_of_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "text_signature"):
        place = brand.profile["text_signature"]
        for content, (_, accepting) in _SIGNED.items():
            for endpoint in SEND_ENDPOINTS:
                response = brand.send(endpoint=endpoint, content=content.format(brand.profile.signature))
                if place in accepting:
                    expect_sent(response, 1)
                else:
                    brand.expect_refused(response, f"text-signature-{place}")


_LENGTHS: Final = (1, 2, 3, 5, 8, 9, 20)


def _check_signatures(context: CheckContext, key: str) -> None:
    """Send texts with signatures of several lengths, at the limits of the profile and beyond."""
    for brand in each_profile(context, key):
        limits = {brand.profile[name] for name in ("text_signature_min", "text_signature_max")} - {None}
        lengths = {length + more for length in limits for more in (-1, 0, 1)} | {*_LENGTHS} if limits else {1, 20}
        for length in sorted(lengths - {0}):
            content = _SIGNING[brand.profile["text_signature"]]("名" * length)
            response = brand.send(content=content)
            if length < (brand.profile["text_signature_min"] or 1):
                brand.expect_refused(response, "text-signature-short")
            elif length > (brand.profile["text_signature_max"] or length):
                brand.expect_refused(response, "text-signature-long")
            else:
                expect_sent(response, 1)


_SIGNING: Final[Mapping[str, Callable[[str], str]]] = {
    "optional": lambda signature: f"【{signature}】内容",
    "anywhere": lambda signature: f"内【{signature}】容",
    "front": lambda signature: f"【{signature}】内容",
    "end": lambda signature: f"内容【{signature}】",
}
"""Texts with a signature, by `text_signature`."""


@checks("D-text-signature-min")
def _a_signature_is_not_too_short(context: CheckContext) -> None:
    _check_signatures(context, "text_signature_min")


@checks("D-text-signature-max")
def _a_signature_is_not_too_long(context: CheckContext) -> None:
    _check_signatures(context, "text_signature_max")


@checks("D-text-signature-may-be-digits")
def _a_signature_of_digits_is_as_in_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "text_signature_may_be_digits"):
        length = brand.profile["text_signature_max"] or brand.profile["text_signature_min"] or 4
        response = brand.send(content=_SIGNING[brand.profile["text_signature"]]("1" * length))
        if brand.profile["text_signature_may_be_digits"]:
            expect_sent(response, 1)
        else:
            brand.expect_refused(response, "text-signature-digits")


def _read_text_signature(session: ProbeSession) -> Iterator[ObservedValue]:
    if session.find_place() == "none":
        yield "optional", (session.play("send-text", "none"),)
        return
    responses = {place: session.play("send-text", place) for place in ("none", "front", "end", "middle")}
    places = tuple(place for place, response in responses.items() if is_accepted(response))
    values = {("front",): "front", ("end",): "end", ("front", "end", "middle"): "anywhere"}
    if places in values:
        yield values[places], tuple(responses.values())


def _find_signature_length(session: ProbeSession) -> int:
    """Return a number of characters of which the server accepts any signature. Raises NotObserved."""
    lengths = dict.fromkeys((len(session.signature), 3, 2, 6, 8, 1))
    length = next((each for each in lengths if session.accepts("send-signature", each)), None)
    if length is None:
        raise NotObserved("no signature of these lengths is accepted")
    if not session.accepts("send-signature-other", length):
        raise NotObserved(f"the signature {session.get_signature(length)} is accepted, and another one is not")
    return length


def _read_signature_min(session: ProbeSession) -> Iterator[ObservedValue]:
    good = _find_signature_length(session)
    if session.accepts("send-signature", 1):
        yield None, show_edge(session, "send-signature", 1)
        return
    fewer = find_last(lambda count: session.accepts("send-signature", good - count + 1), good, good)
    least = good - fewer + 1
    yield least, show_edge(session, "send-signature", least, least - 1)


def _read_signature_max(session: ProbeSession) -> Iterator[ObservedValue]:
    good = _find_signature_length(session)
    longer = find_last(
        lambda count: session.accepts("send-signature", good + count - 1),
        LONGEST_SIGNATURE - good + 1,
        LONGEST_SIGNATURE - good + 1,
    )
    most = good + longer - 1
    if most == LONGEST_SIGNATURE:
        yield None, show_edge(session, "send-signature", most)
        return
    yield most, show_edge(session, "send-signature", most, most + 1)


def _read_signature_digits(session: ProbeSession) -> Iterator[ObservedValue]:
    length = _find_signature_length(session)
    response = session.play("send-signature-digits", length)
    yield is_accepted(response), (response, session.play("send-signature-other", length))


def _read_place_text(place: str) -> Reader:
    def read(session: ProbeSession) -> Iterator[ObservedValue]:
        if _TEXT_SIGNATURE.observe(session).value != place:
            raise NotObserved("this place is not demanded")
        response = session.play("send-text", "none")
        yield get_refusal(session, response), (response,)

    return read


def _read_digits_text(session: ProbeSession) -> Iterator[ObservedValue]:
    response = session.play("send-signature-digits", _find_signature_length(session))
    yield get_refusal(session, response), (response,)


_SIGNATURES: Final = ("send-text", "send-signature", "send-signature-other")

_TEXT_SIGNATURE: Final = LearnableKey(
    "text_signature", ("send-text",), "which of them are accepted", "哪些被接受", _read_text_signature
)

_TEXT_SIGNATURE_MIN: Final = LearnableKey(
    "text_signature_min",
    _SIGNATURES,
    "the fewest characters that are accepted",
    "被接受的最少字数",
    _read_signature_min,
)

_TEXT_SIGNATURE_MAX: Final = LearnableKey(
    "text_signature_max",
    _SIGNATURES,
    f"the most characters that are accepted; no limit if {LONGEST_SIGNATURE} are",
    f"被接受的最多字数；{LONGEST_SIGNATURE} 个字被接受即为不限",
    _read_signature_max,
)

LEARNABLE: Final[tuple[LearnableKey, ...]] = (
    _TEXT_SIGNATURE,
    _TEXT_SIGNATURE_MIN,
    _TEXT_SIGNATURE_MAX,
    LearnableKey(
        "text_signature_may_be_digits",
        (*_SIGNATURES, "send-signature-digits"),
        "whether it is accepted",
        "是否被接受",
        _read_signature_digits,
    ),
    learn_text("text-signature-anywhere", "send-text", *MESSAGE, _read_place_text("anywhere")),
    learn_text("text-signature-front", "send-text", *MESSAGE, _read_place_text("front")),
    learn_text("text-signature-end", "send-text", *MESSAGE, _read_place_text("end")),
    learn_text(
        "text-signature-short",
        "send-signature",
        *MESSAGE,
        read_edge_text(_TEXT_SIGNATURE_MIN, "send-signature", -1),
    ),
    learn_text(
        "text-signature-long", "send-signature", *MESSAGE, read_edge_text(_TEXT_SIGNATURE_MAX, "send-signature", 1)
    ),
    learn_text("text-signature-digits", "send-signature-digits", *MESSAGE, _read_digits_text),
)

NOT_LEARNABLE: Final[Mapping[str, tuple[str, str]]] = {}
