"""Checks of the older endpoints, which take userid, account and password in clear (R19, R20).

What they share with the signed endpoints is one property, E-same: the same request gets the same response. The other
clauses are about what only they have: their credentials, checkContent and the counts, and the change of the password.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from hypothesis import strategies as st

from sms10692_contract.checks.credentials import NOBODY, OPERATIONS
from sms10692_contract.checks.json_responses import expect_json, parse_document
from sms10692_contract.checks.operation_trials import (
    OLDER_OPERATIONS,
    REPLYING_NUMBER,
    VALUES,
    TrialValues,
    prepare_trial,
)
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.request_forms import ANY_FORM, PLAIN_FORMS, RequestForm
from sms10692_contract.checks.strategies import (
    BLANK,
    EXTNO,
    INJECTION,
    INVALID_EXTNO,
    INVALID_SEND_TIME,
    INVALID_STATUS_NUM,
    MOBILE,
    TEXT,
    invalid_actions,
)
from sms10692_contract.expectations import build_mismatch, expect, expect_document, expect_message, expect_sent
from sms10692_contract.expected import (
    EMPTY_CREDENTIALS,
    FORBIDDEN_CONTENT,
    OTHER_ERROR,
    WRONG_CREDENTIALS,
    ParsedResponse,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.profiles import PASSWORD_CHANGED
from sms10692_contract.requests import (
    CALL,
    CREDENTIALS,
    FORM,
    GBK,
    OLDER,
    OLDER_CALL,
    OLDER_GBK,
    OLDER_STATUS,
    OLDER_UTF8,
    QUEUES,
    STATUS,
    UTF8,
    build_form,
    build_request,
    replace_body,
)
from sms10692_contract.safety import INVALID_SIGN, READ_ONLY_ACTIONS
from sms10692_contract.suite_account import SuiteAccount

SEND_ENDPOINTS: Final = (OLDER_UTF8, OLDER_GBK)
SEND_ENDPOINT: Final = st.sampled_from(SEND_ENDPOINTS)
NAMES: Final = CREDENTIALS[OLDER_UTF8]

FORMS: Final = (RequestForm(in_query=(False, True)), *PLAIN_FORMS[1:4])
"""Forms that are always tried."""

DIFFICULT: Final = {"account": "商家Abc1.2@x", "password": "Mima +@7%&=密码"}
"""A name as real ones are, and a password whose characters a decoder may change."""


# Credentials


@checks("E-credentials")
def _the_credentials_are_accepted_in_clear(context: CheckContext) -> None:
    def check_accepted(account: SuiteAccount, endpoint: str, at: int) -> None:
        pairs = list(account.build_password_credentials().items())
        pairs.insert(at, ("action", "overage"))
        response = context.exchange(build_request(endpoint, body=pairs))
        expect(response.get_element("returnstatus") == "Sucess", response, "the balance: Sucess")

    for endpoint, at in ((OLDER_UTF8, 0), (OLDER_GBK, 3)):
        check_accepted(context.own, endpoint, at)

    def check_any(endpoint: str, at: int, name: str, password: str) -> None:
        check_accepted(context.create_account(account=name, password=password), endpoint, at)

    if context.is_sandboxed:
        for endpoint in SEND_ENDPOINTS:
            check_any(endpoint, 1, *DIFFICULT.values())
        for pages in (UTF8, GBK):
            texts = TEXT[GBK].map(lambda text: f"a{text}1")
            context.for_all(check_any, st.just(OLDER[pages]), st.integers(0, 3), texts, texts, examples=4)


def _list_refused(context: CheckContext) -> list[tuple[str, str, str]]:
    """Return endpoint, template of a refusal, and action of each operation that may be tried."""
    return [
        (OLDER[endpoint], template, action)
        for endpoint, template, action in OPERATIONS
        if context.is_sandboxed or action in READ_ONLY_ACTIONS
    ]


def _expect_refused(
    context: CheckContext, account: SuiteAccount, operation: tuple[str, str, str], message: str, /, **fields: str
) -> None:
    endpoint, template, action = operation
    response = context.post(account, endpoint, **{"action": action, "mobile": "1", "content": "内容"} | fields)
    error = 1 + (message == WRONG_CREDENTIALS)
    expect_document(response, template, message=message, error=error, remark=message)


@checks("E-credentials-empty")
def _an_empty_credential_is_refused(context: CheckContext) -> None:
    operations = _list_refused(context)

    def check_empty(operation: tuple[str, str, str], name: str, blank: str) -> None:
        _expect_refused(context, context.own, operation, EMPTY_CREDENTIALS, **{name: blank})

    for operation in operations[::-1]:
        for name in reversed(NAMES):
            check_empty(operation, name, "")
    context.for_all(check_empty, st.sampled_from(operations), st.sampled_from(NAMES), BLANK)
    if context.is_sandboxed:
        for endpoint in SEND_ENDPOINTS:  # a signature is no password
            signed = context.own.build_credentials() | {"action": "overage"}
            expect_message(context.exchange(build_form(endpoint, signed)), EMPTY_CREDENTIALS)
            clear = context.own.build_password_credentials() | {"action": "overage"}
            expect_message(context.exchange(build_form(UTF8, clear)), EMPTY_CREDENTIALS)


@checks("E-credentials-wrong")
def _a_wrong_password_is_refused(context: CheckContext) -> None:
    for operation in _list_refused(context):
        wrong = {"password": f"{context.own.password}x", "account": f"{context.own.account}x"}
        if operation[2] in READ_ONLY_ACTIONS:
            wrong["userid"] = NOBODY
        for name, value in wrong.items():
            _expect_refused(context, context.own, operation, WRONG_CREDENTIALS, **{name: value})


_Change: TypeAlias = Callable[[str], str]

NEAR_MISSES: Final[Mapping[str, _Change]] = {
    "with a space before it": lambda text: f" {text}",
    "with a space behind it": lambda text: f"{text} ",
    "with a line end behind it": lambda text: f"{text}\r\n",
    "in the other case": lambda text: text.swapcase(),
    "in upper case": lambda text: text.upper(),
    "in lower case": lambda text: text.lower(),
    "without its last character": lambda text: text[:-1],
    "without its first character": lambda text: text[1:],
    "twice": lambda text: f"{text},{text}",
    "with a quote behind it": lambda text: f"{text}' or '1'='1",
    "as its MD5 in upper case": lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper(),
    "in full-width characters": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "without its wide characters": lambda text: text.encode("ascii", "ignore").decode(),
    "with ? for its wide characters": lambda text: text.encode("ascii", "replace").decode(),
}
"""Names and passwords that are not the account's."""


@checks("E-exact")
def _name_and_password_are_compared_exactly(context: CheckContext) -> None:
    account = context.create_account(**DIFFICULT)
    other = context.create_account(account=f"{account.account}2", password=f"{account.password}2")
    operations = _list_refused(context)

    def check_refused(operation: tuple[str, str, str], name: str, description: str) -> None:
        value = NEAR_MISSES[description](getattr(account, name))
        if value != getattr(account, name):
            _expect_refused(context, account, operation, WRONG_CREDENTIALS, **{name: value})

    for index, description in enumerate(NEAR_MISSES):
        for at, name in enumerate(NAMES[1:]):
            check_refused(operations[(2 * index + at) % len(operations)], name, description)
    for index, operation in enumerate(operations):
        name = NAMES[index % len(NAMES)]
        _expect_refused(context, account, operation, WRONG_CREDENTIALS, **{name: getattr(other, name)})
    context.for_all(
        check_refused, st.sampled_from(operations), st.sampled_from(NAMES[1:]), st.sampled_from(list(NEAR_MISSES))
    )


@checks("E-charset")
def _name_and_password_are_in_the_charset_of_the_endpoint(context: CheckContext) -> None:
    account = context.create_account(**DIFFICULT)
    fields = account.build_password_credentials() | {"action": "overage"}
    own = {OLDER_UTF8: UTF8, OLDER_GBK: GBK}
    for endpoint in SEND_ENDPOINTS:
        expect_message(context.exchange(build_form(endpoint, fields)), "")
        (other,) = set(SEND_ENDPOINTS) - {endpoint}
        in_other_charset = replace_body(build_form(endpoint, fields), build_form(other, fields).body, FORM)
        expect_message(context.exchange(in_other_charset), WRONG_CREDENTIALS)
        twin = context.overage(account, own[endpoint])
        expect_message(twin, "")


@checks("E-both")
def _each_endpoint_reads_its_own_credentials(context: CheckContext) -> None:
    own = context.own
    for endpoint in (OLDER_UTF8, UTF8, OLDER_GBK, GBK):
        both = own.build_credentials() | own.build_password_credentials() | {"action": "overage"}
        expect_message(context.exchange(build_form(endpoint, both)), "")
    if not context.is_sandboxed:
        return
    foreign = {OLDER_UTF8: {"sign": INVALID_SIGN, "timestamp": "x"}, UTF8: {"password": "wrong", "account": ""}}
    for signed, older in OLDER.items():
        action = {STATUS: "query", CALL: "query"}.get(signed, "overage")
        for endpoint, kind in ((older, OLDER_UTF8), (signed, UTF8)):
            both = own.build_credentials() | own.build_password_credentials() | {"action": action}
            expect_message(context.exchange(build_form(endpoint, both | foreign[kind])), "")
            for name in CREDENTIALS[endpoint][1:]:
                wrong = both | {name: "x" * 32}
                expect_message(context.exchange(build_form(endpoint, wrong)), WRONG_CREDENTIALS)


# Sends


@checks("E-checkContent")
def _a_text_is_checked_only_on_demand(context: CheckContext) -> None:
    account = context.create_account()
    word = context.forbidden_word

    def check_send(endpoint: str, content: str, value: str | None) -> None:
        fields = {} if value is None else {"checkContent": value}
        response = context.send(account, content=content, endpoint=endpoint, **fields)
        if value == "1" and word in content:
            expect(response.get_element("message") == FORBIDDEN_CONTENT, response, f"the message {FORBIDDEN_CONTENT}")
            expect(response.get_element("returnstatus") == "Faild", response, "a refusal")
        else:
            expect_sent(response, 1)

    for endpoint in SEND_ENDPOINTS:
        for value in (None, "", "0", "1"):
            for content in ("内容", f"代开{word}"):
                check_send(endpoint, content, value)
    response = context.send(account, content=word, endpoint=OLDER_UTF8, checkcontent="1")
    expect_message(response, FORBIDDEN_CONTENT)
    values = st.sampled_from([None, "", "0", "1"])
    context.for_all(
        lambda endpoint, before, after, has_word, value: check_send(
            endpoint, f"内{before}{word if has_word else ''}{after}", value
        ),
        SEND_ENDPOINT,
        st.text("内容a1 ", max_size=6),
        st.text("内容a1 ", max_size=6),
        st.booleans(),
        values,
        examples=context.few_examples,
    )


@checks("E-counts")
def _name_and_counts_are_ignored(context: CheckContext) -> None:
    account = context.create_account()

    def check_ignored(endpoint: str, fields: dict[str, str], count: int) -> None:
        before = context.query_balance(account)
        numbers = ",".join(str(13000000000 + index) for index in range(count))
        response = context.send(account, numbers, endpoint=endpoint, **fields)
        expect_sent(response, count)
        expect(response.get_number("remainpoint") == before - count, response, f"remainpoint {before - count}")

    names = ("countNumber", "mobileNumber", "telephoneNumber")
    for endpoint in SEND_ENDPOINTS:
        check_ignored(endpoint, {"taskName": "x", "countNumber": "0", "mobileNumber": "1", "telephoneNumber": "0"}, 1)
        check_ignored(endpoint, dict.fromkeys(names, "5000"), 2)
        check_ignored(endpoint, {"taskName": "名" * 101} | dict.fromkeys(names, ""), 1)
    value = st.sampled_from(["", "0", "1", "-1", "x", "4001", "' or 1=1", context.forbidden_word])
    fields = st.dictionaries(st.sampled_from(["taskName", *names]), value)
    context.for_all(check_ignored, SEND_ENDPOINT, fields, st.integers(1, 3), examples=context.few_examples)


@checks("E-json")
def _send_and_overage_in_json(context: CheckContext) -> None:
    account = context.create_account(points=1000)
    for endpoint, left in ((OLDER_UTF8, 999), (OLDER_GBK, 998)):
        response = context.send(account, endpoint=endpoint, rt="json")
        document = parse_document(response)
        task = document.get("TaskID") if isinstance(document, dict) else None
        expect(isinstance(task, int) and task > 0, response, "a TaskID that is a number")
        accepted = {"ReturnStatus": "Success", "Message": "ok", "RemainPoint": left, "TaskID": task, "SuccessCounts": 1}
        expect_json(response, accepted)
        balance = {"ReturnStatus": "Sucess", "Message": "", "Payinfo": "预付费", "Overage": left, "SendTotal": 1000}
        expect_json(context.overage(account, endpoint, rt="json"), balance)


# What is one with the signed endpoints


@checks("E-shared")
def _balance_tasks_and_queues_are_one(context: CheckContext) -> None:
    def check_shared(sends: list[str], status: str, call: str) -> None:
        account = context.create_account(points=1000)
        tasks: list[int] = []
        for index, endpoint in enumerate(sends):
            response = context.send(account, REPLYING_NUMBER, endpoint=endpoint)
            left = 999 - index
            expect(response.get_number("remainpoint") == left, response, f"remainpoint {left}")
            tasks.append(expect_sent(response, 1))
            expect(tasks == sorted(set(tasks)), response, f"a taskID above {tasks[:-1]}", f"{tasks[-1]}")
            for queried in (UTF8, OLDER_UTF8, GBK, OLDER_GBK):
                balance = context.overage(account, queried)
                expect(balance.get_number("overage") == left, balance, f"overage {left}")
        context.clock.advance(account.userid, REPORT_TIMEOUT)
        for fetch, pages, name in (
            (context.status, (status, STATUS, OLDER_STATUS), "statusbox"),
            (context.call, (call, CALL, OLDER_CALL), "callbox"),
        ):
            response = fetch(account, pages[0])
            fetched = [item.get("taskid") for item in response.get_items(name)]
            expect(fetched == [str(task) for task in tasks], response, f"items of the tasks {tasks}", f"{fetched}")
            for page in pages[1:]:
                again = fetch(account, page)
                expect(again.get_items(name) == [], again, "an empty queue: all items were fetched")

    check_shared([UTF8, OLDER_UTF8, GBK, OLDER_GBK], OLDER_STATUS, OLDER_CALL)
    check_shared([OLDER_GBK, UTF8], STATUS, CALL)
    context.for_all(
        check_shared,
        st.lists(st.sampled_from([UTF8, GBK, *SEND_ENDPOINTS]), min_size=1, max_size=4),
        st.sampled_from([STATUS, OLDER_STATUS]),
        st.sampled_from([CALL, OLDER_CALL]),
        examples=context.few_examples,
    )


_OWN_NAMES: Final = frozenset(("account", "password", "checkcontent"))


def _without_own_names(form: RequestForm) -> RequestForm:
    """Remove the unknown parameters that an older endpoint knows."""
    return replace(form, extra=tuple(each for each in form.extra if each[0].lower() not in _OWN_NAMES))


@checks("E-forms")
def _every_form_of_a_request_is_read(context: CheckContext) -> None:
    def check_read(operation: str, values: TrialValues, form: RequestForm) -> None:
        trial = prepare_trial(context, operation, values)
        trial.verify(context.exchange(form.build(trial.endpoint, trial.pairs)))

    for index, form in enumerate((*FORMS, *PLAIN_FORMS[4:])):
        for operation in list(OLDER_OPERATIONS)[index % 2 :: 2]:
            check_read(operation, TrialValues(content="内容<b>&amp;1", extno="01", hours=index % 2), form)
    forms = ANY_FORM.map(_without_own_names)
    context.for_all(check_read, st.sampled_from(list(OLDER_OPERATIONS)), VALUES, forms)


class _Drawn(NamedTuple):
    """A request that a signed and an older endpoint get, with one credential as it is, wrong or blank.

    `endpoint` is the signed one. `credential` is the index of the one that is changed.
    """

    endpoint: str
    fields: Mapping[str, str]
    form: RequestForm = RequestForm()
    credential: int = 0
    change: str | None = None

    def build_credentials(self, account: SuiteAccount, endpoint: str) -> dict[str, str]:
        credentials = account.authenticate(endpoint)
        if self.change is not None:
            # A wrong timestamp is right for no signature, a wrong account for no password.
            credentials[CREDENTIALS[endpoint][self.credential]] = self.change
        return credentials


_TASK: Final = re.compile(r"(<taskID>|<taskid>|\"TaskI[Dd]\": ?)([1-9][0-9]*)")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def _normalize(response: ParsedResponse, tasks: dict[str, int]) -> str:
    """Return a response with each task replaced by its ordinal, and without the digits of times."""
    text = _TASK.sub(lambda match: f"{match[1]}task {tasks.setdefault(match[2], len(tasks) + 1)}", response.text)
    return f"{response.raw.status} {response.raw.content_type} {_TIME.sub('(a time)', text)}"


_REQUEST_TEXT: Final = {UTF8: TEXT[UTF8], GBK: TEXT[GBK]}
_FORMS: Final = st.sampled_from([RequestForm(), *FORMS, *PLAIN_FORMS])
_CREDENTIAL: Final = st.one_of(
    st.just((0, None)),
    st.tuples(st.integers(0, 2), st.sampled_from(["", " ", "\u3000"])),
    st.tuples(st.integers(1, 2), st.sampled_from(["no such value", "x" * 32])),
)
"""Index of a credential, and the value in its place: none, a blank one, or a wrong one of a known userid."""


def _draw_requests(context: CheckContext) -> st.SearchStrategy[_Drawn]:
    """Build requests of every operation, correct or with mistakes."""
    word = st.sampled_from(["", "", context.forbidden_word])
    rt = st.sampled_from([{}, {}, {"rt": "json"}])

    def build(endpoint: str, fields: st.SearchStrategy[dict[str, str]]) -> st.SearchStrategy[_Drawn]:
        return st.builds(
            lambda values, extra, form, credential: _Drawn(endpoint, values | extra, form, *credential),
            fields,
            rt,
            _FORMS,
            _CREDENTIAL,
        )

    drawn = []
    for endpoint in (UTF8, GBK):
        text = st.builds(lambda a, b, c: f"{a}{b}{c}", _REQUEST_TEXT[endpoint], word, _REQUEST_TEXT[endpoint])
        send = st.fixed_dictionaries(
            {
                "action": st.just("send"),
                "mobile": st.lists(MOBILE | st.just(REPLYING_NUMBER), max_size=3).map(",".join),
                "content": text | BLANK | (INJECTION if endpoint == UTF8 else text),
                "checkContent": st.just("1"),
            },
            optional={
                "extno": EXTNO | INVALID_EXTNO.filter(lambda extno: extno.isascii()),
                "sendTime": BLANK | INVALID_SEND_TIME,
            },
        )
        drawn.append(build(endpoint, send))
        drawn.append(build(endpoint, st.fixed_dictionaries({"action": st.just("checkkeyword"), "content": text})))
        drawn.append(
            build(endpoint, st.fixed_dictionaries({"action": st.just("overage") | invalid_actions("changespwd")}))
        )
    number = st.fixed_dictionaries(
        {"action": st.just("query") | st.just("query") | invalid_actions("query")},
        optional={"statusNum": st.sampled_from(["", "1", "2", "4000"]) | INVALID_STATUS_NUM},
    )
    drawn += [build(STATUS, number), build(CALL, number)]
    return st.one_of(drawn)


_QUERIES: Final = [
    _Drawn(page, {"action": "query"} | extra, form)
    for page in (STATUS, CALL)
    for extra, form in (
        ({"statusNum": "1"}, RequestForm()),
        ({"statusNum": "x"}, RequestForm()),
        ({"rt": "json"}, RequestForm()),
        ({}, RequestForm()),
    )
]


def _list_fixed(context: CheckContext, page: str) -> list[_Drawn]:
    """Return the requests that are always compared: each operation and each of its refusals, in several forms."""
    send = {"action": "send", "mobile": f"15023239810,{REPLYING_NUMBER}", "content": "内容", "checkContent": "1"}
    mistakes = (
        {"mobile": ""},
        {"content": " "},
        {"content": "' or 1=1"},
        {"content": context.forbidden_word},
        {"extno": "x"},
        {"sendTime": "x"},
        {"action": "Send"},
    )
    requests = [_Drawn(page, send | {"extno": "01"}), _Drawn(page, {"action": "overage"}), *_QUERIES]
    requests += [_Drawn(page, send | mistake) for mistake in mistakes]
    requests += [_Drawn(page, send | {"rt": "json"}, form) for form in FORMS]
    requests += [
        _Drawn(page, {"action": action, "content": "内容"}, RequestForm(), *credential)
        for action in sorted(READ_ONLY_ACTIONS)
        for credential in ((2, ""), (2, "no such value"))
    ]
    return requests + _QUERIES


@checks("E-same")
def _the_response_is_that_of_the_signed_endpoint(context: CheckContext) -> None:
    def check_same(requests: list[_Drawn], denied: bool) -> None:
        options = {"points": 1000, "can_read_queues": not denied}
        accounts = [context.create_frozen_account(**options) for _ in range(2)]
        tasks: tuple[dict[str, int], ...] = ({}, {})
        for drawn in requests:
            responses = []
            for account, endpoint in zip(accounts, (drawn.endpoint, OLDER[drawn.endpoint]), strict=True):
                pairs = [*drawn.build_credentials(account, endpoint).items(), *drawn.fields.items()]
                responses.append(context.exchange(drawn.form.build(endpoint, pairs)))
                if drawn.fields["action"] == "send":
                    context.clock.advance(account.userid, REPORT_TIMEOUT)
            signed, older = (_normalize(response, known) for response, known in zip(responses, tasks, strict=True))
            if signed != older:
                raise build_mismatch(responses[1], f"as from {drawn.endpoint}: {signed}", older)

    for page in (UTF8, GBK):
        check_same(_list_fixed(context, page), False)
    check_same(_QUERIES, True)
    context.for_all(check_same, st.lists(_draw_requests(context), min_size=1, max_size=6), st.just(False))


# Changing the password


def _change(
    context: CheckContext, account: SuiteAccount, endpoint: str, password: str, again: str | None = None
) -> ParsedResponse:
    fields = {"action": "changespwd", "newpwd": password, "renewpwd": password if again is None else again}
    return context.post(account, endpoint, **fields)


def _expect_password(
    context: CheckContext, account: SuiteAccount, message: str, endpoints: Sequence[str] = (*OLDER, *OLDER.values())
) -> None:
    """Expect this message of these endpoints for the account's password: an empty one if it is the right one."""
    for endpoint in endpoints:
        action = "query" if endpoint in QUEUES else "overage"
        expect_message(context.post(account, endpoint, action=action), message)


@checks("E-password")
def _a_new_password_applies_at_once(context: CheckContext) -> None:
    def check_changed(endpoint: str, passwords: list[str]) -> None:
        account = context.create_account()
        for password in passwords:
            changed = replace(account, password=password)
            response = _change(context, account, endpoint, password)
            expect_document(response, PASSWORD_CHANGED, status="Success", message="ok")
            _expect_password(context, changed, "")
            if password != account.password:
                _expect_password(context, account, WRONG_CREDENTIALS, (endpoint, GBK, STATUS, OLDER_CALL))
            account = changed

    check_changed(OLDER_UTF8, ["xin-Mima 2", DIFFICULT["password"]])
    check_changed(OLDER_UTF8, ["xin-mima ", " xin-mima", "\u3000xin-mima\t"])
    check_changed(OLDER_GBK, [DIFFICULT["password"], "xin-mima"])
    passwords = st.lists(TEXT[GBK].map(lambda text: f"p{text}"), min_size=1, max_size=2)
    context.for_all(check_changed, SEND_ENDPOINT, passwords, examples=2)


@checks("E-password-refused")
def _a_new_password_must_be_the_same_twice(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(endpoint: str, password: str, again: str) -> None:
        response = _change(context, account, endpoint, password, again)
        expect_document(response, PASSWORD_CHANGED, status="Faild", message=OTHER_ERROR)
        expect_message(context.overage(account, endpoint), "")

    for endpoint in SEND_ENDPOINTS:
        for password, again in (
            ("xin-mima", "xin-mimb"),
            ("xin-mima", ""),
            ("", ""),
            ("  ", "  "),
            ("a" * 10_001,) * 2,
        ):
            check_refused(endpoint, password, again)
        for name in ("newpwd", "renewpwd"):
            fields = {"action": "changespwd", "newpwd": "xin-mima", "renewpwd": "xin-mima"}
            del fields[name]
            response = context.post(account, endpoint, **fields)
            expect_document(response, PASSWORD_CHANGED, status="Faild", message=OTHER_ERROR)
        for wrong, message in (({"password": ""}, EMPTY_CREDENTIALS), ({"password": "no-mima"}, WRONG_CREDENTIALS)):
            fields = {"action": "changespwd", "newpwd": "xin-mima", "renewpwd": "xin-mima"}
            response = context.post(account, endpoint, **fields | wrong)
            expect_document(response, PASSWORD_CHANGED, status="Faild", message=message)
    _expect_password(context, account, "")
