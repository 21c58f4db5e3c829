"""Keys about the elements of refusals, and about checkkeyword."""

from collections.abc import Iterator, Mapping
from typing import Final

from sms10692_contract.checks.brands.brand_account import each_profile
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import SEND_ENDPOINTS
from sms10692_contract.expectations import expect, get_message
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.harness import CheckContext
from sms10692_contract.learnable_keys import MESSAGE, LearnableKey, ObservedValue, list_elements, play_each
from sms10692_contract.probes import (
    NotObserved,
    ProbeSession,
)
from sms10692_contract.profiles import KEYWORDS
from sms10692_contract.safety import INVALID_SIGN


@checks("D-refusal-form")
def _refusals_have_the_elements_of_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "refusal_form"):
        for endpoint in SEND_ENDPOINTS:
            for action in ("overage", "checkkeyword", "send"):
                fields = {"action": action, "mobile": "1", "content": "内容"}
                brand.expect_refused(brand.post(endpoint, **fields, sign=""), "credentials-empty", action)
                brand.expect_refused(brand.post(endpoint, **fields, sign=INVALID_SIGN), "credentials-wrong", action)


@checks("D-keyword-form")
def _checkkeyword_has_the_elements_of_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "keyword_form"):
        names = [part.split(">")[0] for part in KEYWORDS[brand.profile["keyword_form"]].split("\n <")[1:]]
        for endpoint in SEND_ENDPOINTS:
            response = brand.post(endpoint, action="checkkeyword", content="内容")
            actual = [child.name for child in response.document.children] if response.document else []
            expect(actual == names, response, f"{brand.profile.name}: the elements {names}", f"{actual}")
            if "checkCounts" in names:
                expect(response.get_element("checkCounts") == "内容", response, "checkCounts 内容")


def _check_keyword_message(context: CheckContext, key: str, content: str) -> None:
    for brand in each_profile(context, key):
        for endpoint in SEND_ENDPOINTS:
            response = brand.post(endpoint, action="checkkeyword", content=content)
            actual, expected = response.get_element("message"), brand.profile[key].strip()
            expect(actual == expected, response, f"{brand.profile.name}: the message {expected!r}", repr(actual))


@checks("D-keyword-clean")
def _a_clean_text_has_the_message_of_the_profile(context: CheckContext) -> None:
    _check_keyword_message(context, "keyword_clean", "内容")


@checks("D-keyword-found")
def _a_forbidden_word_has_the_message_of_the_profile(context: CheckContext) -> None:
    _check_keyword_message(context, "keyword_found", f"代开{context.forbidden_word}")


def _read_refusal_form(session: ProbeSession) -> Iterator[ObservedValue]:
    for response in play_each(session, "overage-empty", "overage-wrong", "keyword-empty"):
        names = list_elements(response)
        if names[:1] == ("message",) or "payinfo" in names:
            yield "own", (response,)
        elif "taskID" in names:
            yield "send", (response,)


def _find_keyword_form(response: ParsedResponse) -> str | None:
    """Return the form of a response to checkkeyword; None if it has neither."""
    names = list_elements(response)
    return "message" if names == ("message",) else "status" if "checkCounts" in names else None


def _read_keyword_form(session: ProbeSession) -> Iterator[ObservedValue]:
    for response in play_each(session, "keyword-clean", "keyword-word"):
        form = _find_keyword_form(response)
        if form is not None:
            yield form, (response,)


def _get_keyword_text(session: ProbeSession, response: ParsedResponse) -> str:
    """Return the message of a response to checkkeyword. Raises NotObserved if it is a refusal."""
    message = response.get_element("message")
    refusals = play_each(session, "overage-empty", "overage-wrong", "keyword-empty")
    if _find_keyword_form(response) is None or message in {get_message(refusal) for refusal in refusals}:
        raise NotObserved("the response is that of a refusal, not of checkkeyword")
    return message


def _read_keyword_clean(session: ProbeSession) -> Iterator[ObservedValue]:
    response = session.play("keyword-clean")
    yield _get_keyword_text(session, response), (response,)


def _read_keyword_found(session: ProbeSession) -> Iterator[ObservedValue]:
    response = session.play("keyword-word")
    message = _get_keyword_text(session, response)
    if message == session.play("keyword-clean").get_element("message"):
        raise NotObserved("the forbidden word is none there: see --forbidden-word")
    yield message, (response,)


LEARNABLE: Final[tuple[LearnableKey, ...]] = (
    LearnableKey(
        "refusal_form",
        ("overage-empty", "overage-wrong", "keyword-empty"),
        "their elements: payinfo or message alone is own, taskID is send",
        "其元素：有 payinfo 或只有 message 为 own，有 taskID 为 send",
        _read_refusal_form,
    ),
    LearnableKey(
        "keyword_form",
        ("keyword-clean", "keyword-word"),
        "their elements: message alone, or checkCounts too",
        "其元素：只有 message，或还有 checkCounts",
        _read_keyword_form,
    ),
    LearnableKey("keyword_clean", ("keyword-clean",), *MESSAGE, _read_keyword_clean),
    LearnableKey("keyword_found", ("keyword-word",), *MESSAGE, _read_keyword_found),
)

NOT_LEARNABLE: Final[Mapping[str, tuple[str, str]]] = {}
