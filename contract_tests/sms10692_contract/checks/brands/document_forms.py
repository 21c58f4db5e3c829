"""Keys about whole documents: line ends and JSON. `D-documents` compares every document byte for byte."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hypothesis import strategies as st

from sms10692_contract.checks.brands.brand_account import (
    DELIVERED_NUMBER,
    FAILING_NUMBER,
    REPLYING_NUMBER,
    BrandAccount,
    each_profile,
    expect_body,
    move_to_short_date,
)
from sms10692_contract.checks.brands.send_rules import PRICES
from sms10692_contract.checks.json_responses import expect_json
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import EXTNO, SEND_ENDPOINTS
from sms10692_contract.expectations import expect
from sms10692_contract.expected import OVERAGE, SEND_ACCEPTED, ParsedResponse
from sms10692_contract.harness import CheckContext, NotExercised
from sms10692_contract.learnable_keys import LearnableKey, ObservedValue, play_each
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.probes import (
    ProbeSession,
)
from sms10692_contract.profiles import rewrites
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8
from sms10692_contract.safety import INVALID_SIGN


@rewrites("line_end")
def _write_line_ends(document: bytes, value: str) -> bytes:
    return document.replace(b"\n", b"\r\n")


@checks("D-line-end")
def _lines_end_as_in_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "line_end"):
        ends = {"lf": "LF", "crlf": "CR LF"}[brand.profile["line_end"]]
        for response in (
            *(brand.post(endpoint, action="overage") for endpoint in SEND_ENDPOINTS),
            brand.post(STATUS, action="x"),
        ):
            body = response.raw.body
            actual = "CR LF" if body.count(b"\r\n") == body.count(b"\n") else "LF" if b"\r" not in body else "mixed"
            expect(actual == ends, response, f"{brand.profile.name}: lines that end with {ends}", actual)


@checks("D-json-switch")
def _json_is_asked_for_as_in_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "json_switch"):
        for switch in ("rt", "dataType"):
            for endpoint, action in ((UTF8, "overage"), (GBK, "checkkeyword"), (STATUS, "query")):
                response = brand.post(endpoint, action=action, content="内容", **{switch: "json"})
                kind = response.raw.content_type.partition(";")[0]
                expected = "application/json" if switch == brand.profile["json_switch"] else "text/xml"
                expect(kind == expected, response, f"{brand.profile.name}: {switch}=json: {expected}", kind)


@checks("D-json-form")
def _json_has_the_form_of_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "json_form", points=1000):
        profile, switch = brand.profile, {brand.profile["json_switch"]: "json"}
        balance = {"ReturnStatus": "Sucess", "Message": "", "Payinfo": "预付费", "Overage": 1000, "SendTotal": 1000}
        for endpoint in SEND_ENDPOINTS:
            expect_json(brand.post(endpoint, action="overage", **switch), profile.write_json(balance))
            response = brand.post(endpoint, action="overage", sign=INVALID_SIGN, **switch)
            expect_json(response, profile.build_json_refusal(endpoint, "overage", "credentials-wrong"))
        for endpoint in (STATUS, CALL):
            response = brand.post(endpoint, action="query", sign="", **switch)
            expect_json(response, profile.build_json_refusal(endpoint, "query", "credentials-empty"))


@checks("D-documents")
def _everything_else_is_as_in_the_manual(context: CheckContext) -> None:
    """Compare every document of an account byte for byte with what its keys demand."""

    def check_documents(option: str | None, endpoint: str, text: str, extno: str, count: int) -> None:
        profile = next(each for each in context.profiles if each.option == option)
        brand = BrandAccount(context, profile, context.create_account(profile=option, points=1000))
        count = min(count, profile["max_numbers"] or count)
        numbers = [DELIVERED_NUMBER, REPLYING_NUMBER, FAILING_NUMBER][:count]
        content = profile.sign_text(f"内{text}")
        extno = extno[: profile["extno_max_digits"]]
        move_to_short_date(brand)
        context.clock.freeze(brand.account.userid)
        response = brand.send(",".join(numbers), endpoint, content=content, extno=extno)
        task, time = response.get_element("taskID"), brand.now.replace(microsecond=0)
        left = 1000 - count * PRICES[profile["billing"]](content)
        accepted = profile.render(SEND_ACCEPTED, endpoint, remainpoint=left, task_id=task, counts=count)
        expect_body(response, accepted, f"{profile.name}: an accepted send")
        balance = profile.render(OVERAGE, endpoint, payinfo="预付费", overage=left, send_total=1000)
        expect_body(brand.post(endpoint, action="overage"), balance, f"{profile.name}: the balance")
        found = profile.render_keyword(endpoint, False, content)
        response = brand.post(endpoint, action="checkkeyword", content=content)
        expect_body(response, found, f"{profile.name}: checkkeyword")
        brand.advance(REPORT_TIMEOUT)
        states = {FAILING_NUMBER: (20, "UNDELIV")}
        rows = []
        for number in numbers:
            status, errorcode = states.get(number, (10, "DELIVRD"))
            row = {"userid": brand.account.userid, "mobile": number, "taskid": task, "status": status}
            rows.append(row | {"errorcode": errorcode, "extno": extno, "content": "T", "receivetime": time})
        replies = [row for row in rows if row["mobile"] == REPLYING_NUMBER]
        for page, item, expected in ((STATUS, "statusbox", rows), (CALL, "callbox", replies)):
            document = profile.render_items(page, item, expected) if expected else profile.render_empty_queue(page)
            expect_body(brand.fetch(page), document, f"{profile.name}: the items")

    if not context.profiles:
        raise NotExercised("the control API tells no profile")
    for profile in context.profiles:
        for endpoint in SEND_ENDPOINTS:
            check_documents(profile.option, endpoint, "容", "01", 3)
    options = st.sampled_from([profile.option for profile in context.profiles])
    texts = st.text("内容a1 ，<&\r\n字", max_size=150).map(str.strip)
    context.for_all(
        check_documents,
        options,
        st.sampled_from(SEND_ENDPOINTS),
        texts,
        EXTNO,
        st.integers(1, 3),
        examples=context.few_examples,
    )


def _parse_json(response: ParsedResponse) -> dict[str, Any] | None:
    try:
        document = response.raw.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _read_json_switch(session: ProbeSession) -> Iterator[ObservedValue]:
    for name in ("rt", "dataType"):
        response = session.play(f"overage-{name}")
        if _parse_json(response) is not None:
            yield name, (response,)


def _read_json_form(session: ProbeSession) -> Iterator[ObservedValue]:
    for response in play_each(session, "overage-rt", "overage-dataType"):
        document = _parse_json(response) or {}
        if "ReturnStatus" in document and not isinstance(document.get("Overage"), str):
            yield "pascal", (response,)
        elif "returnstatus" in document and all(isinstance(value, str) for value in document.values()):
            yield "lower", (response,)


def _read_line_end(session: ProbeSession) -> Iterator[ObservedValue]:
    for response in play_each(session, "overage", "overage-gbk", "overage-empty", "keyword-clean"):
        body = response.raw.body
        feeds, returns = body.count(b"\n"), body.count(b"\r\n")
        if feeds and returns in (0, feeds):
            yield "crlf" if returns else "lf", (response,)


LEARNABLE: Final[tuple[LearnableKey, ...]] = (
    LearnableKey(
        "json_switch",
        ("overage-rt", "overage-dataType"),
        "which of them is answered in JSON",
        "哪一个得到 JSON 响应",
        _read_json_switch,
    ),
    LearnableKey("json_form", ("overage-rt", "overage-dataType"), "its keys and values", "其键和值", _read_json_form),
    LearnableKey(
        "line_end",
        ("overage", "overage-gbk", "overage-empty", "keyword-clean"),
        "the line ends, if all are the same",
        "换行（须全部相同）",
        _read_line_end,
    ),
)

NOT_LEARNABLE: Final[Mapping[str, tuple[str, str]]] = {}
