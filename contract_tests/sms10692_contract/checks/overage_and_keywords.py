"""Chapters 2 and 3: the balance, and the check of a text; and on the way 1.2, the signature, for it can be tried there.

Here belongs what changes nothing at the vendor, and so may always be asked.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANKS,
    CREDENTIAL,
    NO_SIGNATURE,
    PAGE,
    PAGES,
    RECENT,
    TEXT,
    near_misses,
)
from sms10692_contract.expected import (
    CHECKKEYWORD,
    EMPTY,
    FOUND,
    NOT_FOUND,
    OVERAGE,
    OVERAGE_REFUSED,
    WRONG,
    ParsedAnswer,
)
from sms10692_contract.harness import (
    CheckContext,
    current_timestamp,
    expect,
    expect_document,
    expect_message,
    message_of,
)
from sms10692_contract.requests import CHARSET, GBK, UTF8, form, sign
from sms10692_contract.safety import INVALID_SIGN


@checks("1.2-sign")
def _the_signature_is_over_account_password_timestamp(lab: CheckContext) -> None:
    def signed(page: str, seconds: int) -> None:
        answer = lab.ask(form(page, lab.account().credentials(current_timestamp(seconds)) | {"action": "overage"}))
        expect(message_of(answer) == "" and bool(answer.element("overage")), answer, "a signature that is accepted")

    signed(UTF8, 0)
    lab.for_all(signed, PAGE, RECENT)


@checks("1.2-sign-wrong")
def _any_other_signature_is_refused(lab: CheckContext) -> None:
    own, stamp = lab.own, current_timestamp(0)
    right = sign(own.account, own.password, stamp)
    others = {
        "the signature in upper case": right.upper(),
        "the first 16 digits of it": right[:16],
        "the first 31 digits of it": right[:31],
        "the signature and a digit more": f"{right}0",
        "a signature that begins alike": right[:8] + INVALID_SIGN[8:],
        "a signature that ends alike": INVALID_SIGN[:24] + right[24:],
        "a signature over password + account + timestamp": sign(own.password, own.account, stamp),
        "a signature over timestamp + account + password": sign(stamp, own.account, own.password),
        "a signature over account + timestamp + password": sign(own.account, stamp, own.password),
        "a signature over account + password": sign(own.account, own.password, ""),
        "a signature over another timestamp": sign(own.account, own.password, current_timestamp(1)),
        "the signature over another password": sign(own.account, f"{own.password}x", stamp),
    }
    for what, given in others.items():
        answer = lab.overage(own, timestamp=stamp, sign=given)
        expect(message_of(answer) == WRONG, answer, f"用户名或密码错误, for it is {what}")

    def changed(place: int, digit: str) -> None:
        given = right[:place] + digit + right[place + 1 :]
        if given != right:
            expect_message(lab.overage(own, timestamp=stamp, sign=given), WRONG)

    lab.for_all(changed, st.integers(0, 31), st.sampled_from("0123456789abcdefABCDEF"))

    def other(page: str, given: str) -> None:
        expect_message(lab.overage(own, page, sign=given), WRONG)

    lab.for_all(other, PAGE, NO_SIGNATURE)

    def part(page: str, seconds: int, start: int, end: int) -> None:
        timestamp = current_timestamp(seconds)
        given = sign(own.account, own.password, timestamp)[start:end]
        expect_message(lab.overage(own, page, timestamp=timestamp, sign=given), WRONG)

    lab.for_all(part, PAGE, RECENT, st.just(0), st.integers(1, 31))
    lab.for_all(part, PAGE, RECENT, st.integers(1, 31), st.just(32))


@checks("1.2-userid")
def _another_userid_is_refused(lab: CheckContext) -> None:
    own = lab.account()  # the newest there is: a vendor that takes whoever comes last for anybody shows here

    def refused(userid: str) -> None:
        # A vendor to whom userids are numbers may take 012 for 12.
        if userid.lstrip("0") != own.userid.lstrip("0"):
            expect_message(lab.overage(own, userid=userid), WRONG)

    for userid in (f"{own.userid}0", f"{own.userid}x", "no-such-userid"):
        refused(userid)
    lab.for_all(refused, st.integers(1, 99999).map(str) | st.text("abcx-_0", min_size=1, max_size=6))


@checks("2.3-found")
def _the_balance_is_written_so(lab: CheckContext) -> None:
    account = lab.account()

    def known(page: str, points: int) -> None:
        answer = lab.overage(lab.account(points=points), page)
        expect_document(answer, OVERAGE, payinfo="预付费", overage=points, send_total=points)

    lab.for_all_if_free(known, PAGE, st.integers(0, 10**9))
    for page in PAGES:
        answer = lab.overage(account, page)
        payinfo = "后付费" if answer.element("payinfo") == "后付费" else "预付费"
        found = {
            name: answer.number(element) for name, element in (("overage", "overage"), ("send_total", "sendTotal"))
        }
        expect_document(answer, OVERAGE, payinfo=payinfo, **found)


@checks("2.3-payinfo")
def _who_pays_how_is_said(lab: CheckContext) -> None:
    for postpaid, payinfo in ((False, "预付费"), (True, "后付费")):
        answer = lab.overage(lab.account(postpaid=postpaid))
        expect(answer.element("payinfo") == payinfo, answer, f"payinfo {payinfo}")


_BLANK: Final = st.builds(lambda name, blank: {name: blank}, CREDENTIAL, BLANKS)
_UNSIGNED: Final = st.builds(lambda given: {"sign": given}, NO_SIGNATURE)


def _refused_alike(
    lab: CheckContext,
    template: str,
    message: str,
    action: str,
    first: Sequence[dict[str, str]],
    others: st.SearchStrategy[dict[str, str]],
) -> None:
    def refused(page: str, wrong: dict[str, str]) -> None:
        answer = lab.post(lab.own, page, **{"action": action, "content": "内容"} | wrong)
        expect_document(answer, template, message=message)

    for page in PAGES:
        for wrong in first:
            refused(page, wrong)
    lab.for_all(refused, PAGE, others)


@checks("2.3-credentials-empty")
def _overage_without_a_signature(lab: CheckContext) -> None:
    _refused_alike(lab, OVERAGE_REFUSED, EMPTY, "overage", [{"sign": ""}], _BLANK)


@checks("2.3-credentials-wrong")
def _overage_with_a_wrong_signature(lab: CheckContext) -> None:
    _refused_alike(lab, OVERAGE_REFUSED, WRONG, "overage", [{"sign": INVALID_SIGN}], _UNSIGNED)


@checks("3.3-forbidden")
def _a_forbidden_word_is_found_without_the_colon(lab: CheckContext) -> None:
    def found(page: str, before: str) -> None:
        answer = lab.checkkeyword(lab.own, before + lab.forbidden, page)
        expect_document(answer, CHECKKEYWORD, message=FOUND)

    for page in PAGES:
        found(page, "代开")
        lab.for_all(found, st.just(page), TEXT[page])


@checks("3.3-nothing-forbidden")
def _no_forbidden_word_is_found(lab: CheckContext) -> None:
    def nothing(page: str, content: str) -> None:
        expect_document(lab.checkkeyword(lab.own, content, page), CHECKKEYWORD, message=NOT_FOUND)

    for page in PAGES:
        nothing(page, "内容")
    lab.for_all(nothing, PAGE, st.text("内容通知1a 。", max_size=70))


@checks("3.3-credentials-empty")
def _checkkeyword_without_a_signature(lab: CheckContext) -> None:
    _refused_alike(lab, CHECKKEYWORD, EMPTY, "checkkeyword", [{"sign": ""}], _BLANK)


@checks("3.3-credentials-wrong")
def _checkkeyword_with_a_wrong_signature(lab: CheckContext) -> None:
    _refused_alike(lab, CHECKKEYWORD, WRONG, "checkkeyword", [{"sign": INVALID_SIGN}], _UNSIGNED)


@checks("3.2-content")
def _a_word_is_found_wherever_it_stands(lab: CheckContext) -> None:
    for page in PAGES:

        def found(before: str, after: str, page: str = page) -> None:
            expect_message(lab.checkkeyword(lab.own, before + lab.forbidden + after, page), FOUND)

        lab.for_all(found, TEXT[page], TEXT[page])
        for content in ("你好，我不需要", lab.forbidden[:1], " ".join(lab.forbidden), lab.forbidden[::-1]):
            text = content.encode(CHARSET[page]).decode(CHARSET[page])
            if lab.forbidden not in text:
                expect_message(lab.checkkeyword(lab.own, text, page), NOT_FOUND)

    def missed(page: str, content: str) -> None:
        text = content.encode(CHARSET[page], "ignore").decode(CHARSET[page])
        expect_message(lab.checkkeyword(lab.own, text, page), NOT_FOUND)

    if len(lab.forbidden) > 1:
        lab.for_all(missed, PAGE, near_misses(lab.forbidden))


@checks("R8-empty")
def _an_empty_text_holds_no_forbidden_word(lab: CheckContext) -> None:
    def nothing(page: str, blank: str) -> None:
        expect_message(lab.checkkeyword(lab.own, blank, page), NOT_FOUND)

    nothing(UTF8, "")
    lab.for_all(nothing, PAGE, BLANKS)


def _of_every_kind(lab: CheckContext) -> Iterator[tuple[ParsedAnswer, str]]:
    """Answers that anybody may ask for, each with the label of its page's charset."""
    for page, label in ((UTF8, "utf-8"), (GBK, "gb2312")):
        answers = [lab.overage(lab.own, page), lab.overage(lab.own, page, sign=INVALID_SIGN)]
        answers += [lab.checkkeyword(lab.own, lab.forbidden, page), lab.overage(lab.own, page, sign="")]
        answers += [lab.send(lab.own, page=page, sign=INVALID_SIGN), lab.send(lab.own, page=page, sign="")]
        yield from ((answer, label) for answer in answers)
    for answer in (
        lab.status(lab.own, sign=""),
        lab.status(lab.own, sign=INVALID_SIGN),
        lab.call(lab.own, sign=INVALID_SIGN),
    ):
        yield answer, "utf-8"


@checks("A7")
def _every_answer_is_http_200(lab: CheckContext) -> None:
    for answer, _ in _of_every_kind(lab):
        expect(answer.raw.status == 200, answer, "HTTP 200", f"HTTP {answer.raw.status}")


@checks("R17-type")
def _every_answer_in_xml_says_so_with_its_charset(lab: CheckContext) -> None:
    for answer, label in _of_every_kind(lab):
        wanted, got = f"text/xml; charset={label}", answer.raw.content_type.lower()
        expect(got == wanted, answer, wanted, got)
