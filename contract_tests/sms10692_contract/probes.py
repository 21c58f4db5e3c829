"""Probes: named requests to one server, each sent once. `learn` reads a profile from them, `compare` compares them.

A probe needs the permissions of the suite, and its requests pass the guard, the rate and the limits of `CheckContext`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from sms10692_contract.expected import ACCEPTED_STATUSES, ParsedResponse
from sms10692_contract.fetch_history import CALL_ITEM, STATUS_ITEM
from sms10692_contract.fetched_file import FetchedFileError
from sms10692_contract.harness import CheckContext, NotExercised
from sms10692_contract.http import TargetUnreachable
from sms10692_contract.masking import build_value_pattern, mask_numbers
from sms10692_contract.network_errors import ConnectionLost, TargetStopped
from sms10692_contract.request_limits import CheckStopped, EnoughRequests
from sms10692_contract.requests import CALL, GBK, OLDER_ENDPOINTS, OLDER_UTF8, QUEUES, STATUS, UTF8, build_form
from sms10692_contract.safety import INVALID_SIGN, PermissionMissing
from sms10692_contract.suite_account import CHINA, format_timestamp
from sms10692_contract.target import compute_clock_difference
from sms10692_contract.volatile_values import VolatileValues

Call: TypeAlias = tuple[str, *tuple[str | int, ...]]
"""A probe: its name in `PROBES`, and its arguments."""

SIGNATURE: Final = "测试签名"
"""Default of `--signature`: what is between the brackets of a text."""

_OTHER_SIGNATURE: Final = "云海山川风雨雷电东西南北春夏秋冬金木水火"
"""As many characters as the longest signature that is tried."""

LONGEST_SIGNATURE: Final = len(_OTHER_SIGNATURE)
MOST_EXTNO_DIGITS: Final = 20
OVER_BALANCE: Final = "send-over-balance"
"""Name of the probe that is refused for the balance, and so says nothing about a limit."""

_DATE_TOLERANCE: Final = 2
"""Seconds by which a time on the server's clock may be wrong: its Date and a sendTime have whole seconds."""

MOST_REPORTS: Final = 4000
"""Number of reports that a fetch without statusNum returns (4.2)."""

LONG_TEXT: Final = "字" * 71
"""Two segments, or one point where the length does not count."""

SEND_TIMES: Final[Mapping[str, str]] = {
    "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S",
    "yyyyMMddHHmmss": "%Y%m%d%H%M%S",
    "yyyy/MM/dd HH:mm:ss": "%Y/%m/%d %H:%M:%S",
    "yyyy-MM-dd HH:mm": "%Y-%m-%d %H:%M",
    "yyyy-MM-dd": "%Y-%m-%d",
    "0": "0",
}
"""Formats of sendTime that profiles know, as `strftime` writes them."""

PLACES: Final[Mapping[str, Callable[[str, str], str]]] = {
    "none": lambda text, signature: text,
    "front": lambda text, signature: f"【{signature}】{text}",
    "end": lambda text, signature: f"{text}【{signature}】",
    "middle": lambda text, signature: f"{text[:1]}【{signature}】{text[1:]}",
}
"""A text with a signature at each place, in the order in which they are tried."""

ITEMS: Final[Mapping[str, str]] = {STATUS: STATUS_ITEM, CALL: CALL_ITEM}
"""The items of each queue."""

NUMBER_WITHHELD: Final = "NUMBER_NOT_SHOWN"
ACCOUNT_WITHHELD: Final = "ACCOUNT_NOT_SHOWN"
USERID_WITHHELD: Final = "USERID_NOT_SHOWN"

_MIN_ANYWHERE: Final = 4
"""Number of characters from which a userid or an account is masked wherever it occurs."""

_MESSAGE_VALUE: Final = re.compile(
    r"(?<=<message>)[^<]+(?=</)|(?<=<message><!\[CDATA\[)[^\]]+(?=\])|(?<=<remark>)[^<]+(?=</)"
    r"|(?<=<remark><!\[CDATA\[)[^\]]+(?=\])|(?<=\"message\":)(?:\\.|[^\"\\]|\"(?![,}]))+",
    re.IGNORECASE,
)
"""The text of a message: in an element, in CDATA or in JSON."""

_EMPTYING_FETCHES: Final = 20
_TRACKED_NUMBERS: Final = 3


class NotObserved(Exception):
    """Nothing was observed: the responses do not show what was to be read. The message says why."""


class NotSent(NotObserved):
    """A probe was not sent, or it cannot be known what its responses would show at another time."""


class ResponseLost(NotObserved):
    """The response to a probe was lost on the way."""


def is_accepted(response: ParsedResponse) -> bool:
    """Return whether a request was accepted: Success, or Sucess as overage writes it."""
    return response.get_element("returnstatus") in ACCEPTED_STATUSES


def _is_json(response: ParsedResponse) -> bool:
    return response.raw.body.lstrip().startswith(b"{")


def expect_answer(response: ParsedResponse) -> None:
    """Raise NotObserved if a response says nothing about its request: another HTTP status than 200, or no document."""
    if response.raw.status != 200:
        raise NotObserved(f"HTTP {response.raw.status} instead of a response")
    if response.document is None and response.request.endpoint not in QUEUES and not _is_json(response):
        raise NotObserved("the response is no document")


def are_reports_late(first: int, second: int) -> bool:
    """Return whether fewer reports than waited came in a fetch because they are late, not for a smaller default.

    `first` and `second` are the numbers of reports in this fetch and the next: a smaller default gives as many again.
    """
    return first == 0 or second != first


@dataclass
class ProbeSession:
    """The probes that one server has received. `signature` is what is between the brackets of a text.

    `responses` are those of the probes that were sent, in this order. `tasks` are the taskIDs of the accepted sends,
    `costs` the points that a send took, `item_counts` the items of a response that is about their number, `item_tasks`
    the task whose items a response of a queue shows.
    """

    context: CheckContext
    signature: str = SIGNATURE
    responses: dict[Call, ParsedResponse] = field(default_factory=dict)
    failures: dict[Call, NotObserved] = field(default_factory=dict)
    tasks: set[str] = field(default_factory=set)
    costs: dict[Call, int] = field(default_factory=dict)
    item_counts: dict[Call, int] = field(default_factory=dict)
    item_tasks: dict[int, str] = field(default_factory=dict)
    stopped: TargetStopped | FetchedFileError | None = None
    _received: list[ParsedResponse] = field(default_factory=list)
    """**All responses are kept,** because others are found by their ids, which are used again otherwise."""
    _texts: dict[int, str] = field(default_factory=dict)
    _volatile: VolatileValues = field(init=False)
    limit_text: str = ""
    """The text with which the server refused a send that it had accepted before."""
    _unconfirmed: dict[str, list[Call]] = field(default_factory=dict)
    """Refused sends by their number, since a send to this number was accepted."""
    _repeated: int = 0
    _clock_difference: float = 0
    """By how many seconds this machine's clock is ahead of the server's, by the last response that has a Date."""
    _due: datetime | None = None
    """The sendTime of the scheduled send, on this machine's clock."""

    def __post_init__(self) -> None:
        self._volatile = VolatileValues(self.tasks)

    def play(self, name: str, *arguments: str | int) -> ParsedResponse:
        """Return the response to a probe, which is sent if it was not before. Raises NotObserved."""
        call: Call = (name, *arguments)
        if call not in self.responses and call not in self.failures:
            try:
                self.responses[call] = self._send_probe(PROBES[name], call)
                self._note_send(call)
            except NotObserved as error:
                self.failures[call] = error
        if call in self.failures:
            raise self.failures[call]
        return self.responses[call]

    def accepts(self, name: str, *arguments: str | int) -> bool:
        """Return whether the server accepts a probe. Raises NotObserved."""
        response = self.play(name, *arguments)
        expect_answer(response)
        return is_accepted(response)

    def _note_send(self, call: Call) -> None:
        """Note whether a send was accepted."""
        response = self.responses[call]
        fields = dict(response.request.pairs)
        if (
            call[0] != OVER_BALANCE
            and "send" in PROBES[str(call[0])].permissions
            and fields.get("action") in ("send", "x")
        ):
            number = fields.get("mobile", "").rpartition(",")[2]
            if is_accepted(response):
                self._unconfirmed.pop(number, None)
                self._unconfirmed.pop("", None)
            else:
                self._unconfirmed.setdefault(number, []).append(call)

    def confirm_refusals(self) -> None:
        """Repeat an accepted send after refusals. Raises NotObserved if it is refused too: they were for a limit then.

        A used up balance or a limit per day refuses everything, so the run ends.
        """
        for number in [*self._unconfirmed]:
            self._repeated += 1
            try:
                response = self.play("send-again", self._repeated, number)
                expect_answer(response)
            except NotObserved as error:
                self._drop_unconfirmed(error, ("send-text", "send-again"))
                raise
            self._unconfirmed.pop("", None)
            if not is_accepted(response):
                self.limit_text = response.get_element("message")
                refusal = self.mask(self.limit_text)
                self.stopped = TargetStopped(f"the server refuses a send that it accepted before: {refusal}")
                limit = NotObserved(f"the run was stopped: {self.stopped}")
                self._drop_unconfirmed(limit, ())
                raise limit

    def _drop_unconfirmed(self, reason: NotObserved, kept: tuple[str, ...]) -> None:
        """Take back what refused sends seemed to show."""
        for call in [call for calls in self._unconfirmed.values() for call in calls if call[0] not in kept]:
            del self.responses[call]
            self.failures[call] = reason
        self._unconfirmed.clear()

    def _get_empty_queue(self, endpoint: str) -> str:
        """Return the text of an empty queue: what remains of one that has items of other sends only."""
        empty = self.responses.get(("status-none" if endpoint == STATUS else "call-none",))
        return empty.text if empty is not None else ""

    def _send_probe(self, probe: "Probe", call: Call) -> ParsedResponse:
        context = self.context
        if self.stopped is not None:
            raise NotSent("the run was stopped")
        missing = context.guard.find_missing_permission(probe.permissions)
        if missing:
            raise NotSent(f"needs {missing}")
        context.start_check(is_harmless={"older"}.issuperset(probe.permissions))
        wrong = context.limits.wrong if context.limits else 0
        try:
            response = probe.send(self, *call[1:])
            if context.limits and context.limits.wrong > wrong:
                self._expect_account_accepted()
        except ConnectionLost as error:
            self._expect_server()
            raise ResponseLost(self.mask(str(error))) from error
        except (TargetStopped, FetchedFileError) as error:
            self.stopped = error
            raise NotSent(f"the run was stopped: {self.mask(str(error))}") from error
        except EnoughRequests as error:
            raise NotSent("the limits of the run leave no request for it") from error
        except (CheckStopped, PermissionMissing, NotExercised, TargetUnreachable) as error:
            raise NotSent(self.mask(str(error))) from error
        return response

    def _expect_server(self) -> None:
        """End the run if the server went away."""
        try:
            self.context.probe_account()
        except TargetStopped as error:
            self.stopped = error

    def _expect_account_accepted(self) -> None:
        """Raise TargetStopped if the server no longer accepts the account: it may be locked after a wrong signature."""
        if not is_accepted(self.post(UTF8, action="overage")):
            raise TargetStopped(
                f"the server no longer accepts userid {self.context.own.userid} after a wrong signature: is it locked?"
            )

    # What the requests of probes are made of

    def post(self, endpoint: str, /, **fields: str) -> ParsedResponse:
        """Send a form with the credentials of the account, signed at the time of the run; `fields` replace them."""
        own = self.context.own
        is_older = endpoint in OLDER_ENDPOINTS
        credentials = own.build_password_credentials() if is_older else own.build_credentials(self.format_time(0))
        response = self.context.exchange(build_form(endpoint, credentials | fields))
        self._received.append(response)
        difference = compute_clock_difference(response.raw, self.context.run_clock.now())
        self._clock_difference = self._clock_difference if difference is None else difference
        if endpoint not in QUEUES:
            self._texts[id(response)] = self._volatile.replace(response, is_accepted(response) or _is_json(response))
            if fields.get("action") == "send" and is_accepted(response):
                self.tasks.add(response.get_element("taskID"))
        return response

    def describe(self, response: ParsedResponse) -> str:
        """Return the text of a response to a probe with its volatile values replaced and its secrets masked."""
        if id(response) in self._texts:
            text = self._texts[id(response)]
        else:
            task, item = self.item_tasks.get(id(response)), ITEMS.get(response.request.endpoint, "")
            text = self._volatile.replace_items(response, task or "")
            if f"<{item}>" in response.text and f"<{item}>" not in text:
                text = self._get_empty_queue(response.request.endpoint)
        is_document = response.document is not None or _is_json(response)
        return self._hide_short_values(self._hide_long_values(self.context.mask_text(text)), is_document)

    def mask(self, text: str) -> str:
        """Mask what must not be written: the secrets of the context, and userid, account and allowed numbers.

        Short values are replaced only where they are words of their own: they may be a part of any number.
        """
        return self._hide_short_values(self._hide_long_values(self.context.mask_text(text)), is_document=False)

    def contains_secret(self, text: str) -> bool:
        """Return whether a text of the server has something that must not be written, however it is encoded there."""
        own = self.context.own
        is_named = any(build_value_pattern(value).search(text) for value in (own.userid, own.account))
        return is_named or self.context.mask_text(text) != text or self._hide_long_values(text) != text

    def _list_own_values(self) -> Iterator[tuple[str, str]]:
        """Yield values that tell whose account it is, and what stands for them. Masks know most numbers already."""
        numbers = (number for number in sorted(self.context.guard.numbers) if mask_numbers(number) == number)
        yield from ((number, NUMBER_WITHHELD) for number in numbers)
        yield self.context.own.account, ACCOUNT_WITHHELD
        yield self.context.own.userid, USERID_WITHHELD

    def _hide_long_values(self, text: str) -> str:
        for value, word in self._list_own_values():
            if len(value) >= _MIN_ANYWHERE:
                text = build_value_pattern(value).sub(word, text)
        return text

    def _hide_short_values(self, text: str, is_document: bool) -> str:
        """Replace short values: in a document only in its messages, where they can be nothing else."""
        if is_document:
            return _MESSAGE_VALUE.sub(lambda match: self._hide_short_values(match[0], is_document=False), text)
        for value, word in self._list_own_values():
            if 0 < len(value) < _MIN_ANYWHERE:
                text = re.sub(rf"(?<![0-9A-Za-z]){re.escape(value)}(?![0-9A-Za-z])", word, text)
        return text

    def format_time(self, seconds: float) -> str:
        """Return the timestamp of `seconds` ago."""
        return format_timestamp((self.context.run_clock.now() - timedelta(seconds=seconds)).astimezone(CHINA))

    def post_old(self, seconds: int) -> ParsedResponse:
        """Query the balance with a correct signature over the time of `seconds` ago.

        **A vendor that refuses it may count it as a failed login, so it counts as a wrong signature here.**
        """
        limits = self.context.limits
        if limits and limits.wrong >= limits.wrong_signatures:
            raise NotSent(f"after {limits.wrong_signatures} wrong signatures no more are sent")
        credentials = self.context.own.build_credentials(self.format_time(seconds))
        response = self.post(UTF8, **credentials, action="overage")
        if limits and not is_accepted(response):
            limits.wrong += 1
        return response

    def send(self, content: str = "", endpoint: str = UTF8, **fields: str) -> ParsedResponse:
        """Send a text that the server accepts, unless `content` is another one, to one allowed number."""
        fields = {"mobile": self.context.number, **fields}
        return self.post(endpoint, action="send", content=content or self.sign("内容"), **fields)

    def sign(self, text: str, signature: str = "") -> str:
        """Return a text with a signature at a place where the server accepts it; without one if it accepts that."""
        place = self.find_place()
        return PLACES["front" if signature and place == "none" else place](text, signature or self.signature)

    def find_place(self) -> str:
        """Return the first place of `PLACES` that the server accepts. Raises NotObserved if there is none."""
        for place in PLACES:
            if self.accepts("send-text", place):
                return place
        refusal = self.mask(self.play("send-text", "none").get_element("message"))
        raise NotObserved(f"no send is accepted: {refusal}")

    def send_and_measure(self, call: Call, content: str) -> ParsedResponse:
        """Send a text, and note what it costs by the balances before and after it."""
        content = content or self.sign("内容")  # finding the place of a signature sends too
        before = self.post(UTF8, action="overage").get_number("overage")
        response = self.send(content)
        after = response.get_number("remainpoint")
        if is_accepted(response) and before is not None and after is not None:
            self.costs[call] = before - after
        return response

    def send_tracked(self) -> ParsedResponse:
        """Send with an extno, if the server accepts one, to several numbers, or to one if they are too many."""
        numbers = sorted(self.context.guard.numbers)[:_TRACKED_NUMBERS]
        extnos = ("01", "1") if self.accepts("send-extno", 1) else ("",)
        for extno in extnos:
            for mobile in dict.fromkeys((",".join(numbers), numbers[0])):
                response = self.send(mobile=mobile, extno=extno)
                if is_accepted(response):
                    return response
        return response

    def send_over_balance(self) -> ParsedResponse:
        """Send to one number more than a prepaid account has points. Raises NotExercised if it has too many."""
        before, numbers = self.post(UTF8, action="overage"), sorted(self.context.guard.numbers)
        points = before.get_number("overage")
        if before.get_element("payinfo") != "预付费" or points is None or not 0 <= points < len(numbers):
            raise NotExercised(
                f"the balance is {points} points; this needs fewer than the {len(numbers)} allowed numbers"
            )
        text = PLACES["front"]("内容", self.signature)  # a refused send would not tell whether another text is accepted
        return self.post(UTF8, action="send", mobile=",".join(numbers[: points + 1]), content=text)

    def fetch_default(self) -> ParsedResponse:
        """Fetch once without statusNum when more reports wait than it returns, and count them; then fetch the rest."""
        numbers = self.context.pick_numbers(MOST_REPORTS + 1)
        sent = self.send(mobile=",".join(numbers))
        if not is_accepted(sent):
            raise NotExercised(f"a send to {len(numbers)} numbers is refused: {sent.get_element('message')}")
        self.context.wait(self.context.pace.schedule)
        response, second = (self.post(STATUS, action="query") for _ in range(2))
        first, more = (len(each.get_items(STATUS_ITEM)) for each in (response, second))
        self.context.fetch_task_reports(self.context.own, sent.get_element("taskID"), len(numbers) - first - more)
        if first < MOST_REPORTS and are_reports_late(first, more):
            raise NotExercised(f"reports are late: {first} of {len(numbers)} after {self.context.pace.schedule:g} s")
        self.item_counts["default",] = first
        self.item_tasks[id(response)] = sent.get_element("taskID")
        return response

    def fetch_items(self, sent: ParsedResponse, endpoint: str, item: str, seconds: float) -> ParsedResponse:
        """Fetch until items of a send have come. Raises NotExercised if none do in that time."""
        task = sent.get_element("taskID")
        if not is_accepted(sent):
            raise NotExercised(f"the send is refused: {sent.get_element('message')}")

        def find() -> Iterator[ParsedResponse]:
            return (each for each in self._received if any(row.get("taskid") == task for row in each.get_items(item)))

        for _ in self.context.poll(seconds):
            if not any(find()):
                self.post(endpoint, action="query")
            found = next(find(), None)
            if found is not None:
                self.item_tasks[id(found)] = task
                return found
        raise NotExercised(f"no {item} of a send came within {seconds:g} s")

    def fetch_again(self, endpoint: str, name: str) -> ParsedResponse:
        """Fetch once more after a probe that has fetched the items of the tracked send."""
        self.play(name)
        response = self.post(endpoint, action="query")
        self.item_tasks[id(response)] = self.play("tracked").get_element("taskID")
        return response

    def send_scheduled(self) -> ParsedResponse:
        """Send with a sendTime shortly ahead on the server's clock."""
        content = self.sign("内容")  # finding the place of a signature sends too
        self._due = self.context.run_clock.now() + timedelta(seconds=self.context.pace.schedule)
        due = (self._due - timedelta(seconds=self._clock_difference)).astimezone(CHINA)
        return self.send(content, sendTime=due.strftime(SEND_TIMES["yyyy-MM-dd HH:mm:ss"]))

    def fetch_early(self) -> ParsedResponse:
        """Fetch reports before the time of the scheduled send."""
        sent = self.play("scheduled")
        response = self.post(STATUS, action="query")
        if self._due is None or self.context.run_clock.now() > self._due - timedelta(seconds=_DATE_TOLERANCE):
            raise NotExercised("the time of the send had come before")
        self.item_tasks[id(response)] = sent.get_element("taskID")
        return response

    def fetch_late(self) -> ParsedResponse:
        """Wait for the time of the scheduled send, and for its report."""
        sent = self.play("scheduled")
        self.play("scheduled-early")
        self.context.wait(self.context.pace.schedule)
        return self.fetch_items(sent, STATUS, STATUS_ITEM, self.context.pace.report)

    def query_after(self, name: str, *arguments: str | int) -> ParsedResponse:
        """Query the balance right after a probe, which was not sent before."""
        self.play(name, *arguments)
        return self.post(UTF8, action="overage")

    def empty_queue(self, endpoint: str, item: str) -> ParsedResponse:
        """Fetch until nothing is left; return the response of the empty queue."""
        for _ in range(_EMPTYING_FETCHES):
            response = self.post(endpoint, action="query")
            if not response.get_items(item):
                return response
        raise NotExercised(f"the queue was not empty after {_EMPTYING_FETCHES} fetches")

    def get_signature(self, length: int) -> str:
        """Return a signature of so many characters: the user's if it has as many."""
        return self.signature if length == len(self.signature) else _OTHER_SIGNATURE[:length]


@dataclass(frozen=True)
class Probe:
    """A probe: the clause that its response is about, its permissions, and what is sent, in English and Chinese."""

    clause: str
    permissions: tuple[str, ...]
    en: str
    zh: str
    send: Callable[..., ParsedResponse]


def _send_time(session: ProbeSession, name: str) -> ParsedResponse:
    """Schedule a message for the noon of tomorrow."""
    noon = session.context.run_clock.now().astimezone(CHINA).replace(hour=12, minute=0, second=0)
    return session.send(sendTime=(noon + timedelta(days=1)).strftime(SEND_TIMES[name]))


def _write_no_date(name: str) -> str:
    """Write 30 February in a format of sendTime.

    >>> _write_no_date("yyyy-MM-dd HH:mm")
    '2030-02-30 12:00'
    """
    parts = {"yyyy": "2030", "MM": "02", "dd": "30", "HH": "12", "mm": "00", "ss": "00"}
    for part, digits in parts.items():
        name = name.replace(part, digits)
    return name


def _send_numbers(session: ProbeSession, count: int) -> ParsedResponse:
    return session.send(mobile=",".join(session.context.pick_numbers(count)))


def _send_signature(session: ProbeSession, length: int) -> ParsedResponse:
    return session.send(session.sign("内容", session.get_signature(length)))


_SEND: Final = ("send",)
_FETCH: Final = ("fetch",)
_BOTH: Final = ("send", "fetch")

PROBES: Final[Mapping[str, Probe]] = {
    "overage": Probe("2.3-found", (), "overage", "overage", lambda s: s.post(UTF8, action="overage")),
    "overage-gbk": Probe(
        "1.1-gbk", (), "overage at the GBK endpoint", "GBK 接口的 overage", lambda s: s.post(GBK, action="overage")
    ),
    "overage-rt": Probe(
        "R15-overage", (), "overage, rt=json", "overage，rt=json", lambda s: s.post(UTF8, action="overage", rt="json")
    ),
    "overage-dataType": Probe(
        "R15-letter",
        (),
        "overage, dataType=json",
        "overage，dataType=json",
        lambda s: s.post(UTF8, action="overage", dataType="json"),
    ),
    "keyword-clean": Probe(
        "3.3-nothing-forbidden",
        (),
        "checkkeyword, a plain text",
        "checkkeyword，普通内容",
        lambda s: s.post(UTF8, action="checkkeyword", content="内容"),
    ),
    "keyword-word": Probe(
        "3.3-forbidden",
        (),
        "checkkeyword, a forbidden word",
        "checkkeyword，屏蔽词",
        lambda s: s.post(UTF8, action="checkkeyword", content=f"代开{s.context.forbidden_word}"),
    ),
    "overage-empty": Probe(
        "2.3-credentials-empty",
        (),
        "overage, an empty sign",
        "overage，sign 为空",
        lambda s: s.post(UTF8, action="overage", sign=""),
    ),
    "keyword-empty": Probe(
        "3.3-credentials-empty",
        (),
        "checkkeyword, an empty sign",
        "checkkeyword，sign 为空",
        lambda s: s.post(UTF8, action="checkkeyword", content="内容", sign=""),
    ),
    "overage-wrong": Probe(
        "2.3-credentials-wrong",
        (),
        "overage, a wrong sign",
        "overage，sign 错误",
        lambda s: s.post(UTF8, action="overage", sign=INVALID_SIGN),
    ),
    "timestamp": Probe(
        "Q13", (), "overage, a timestamp of N seconds ago", "overage，N 秒前的 timestamp", ProbeSession.post_old
    ),
    "status-none": Probe(
        "A10",
        _FETCH,
        "fetches of reports until none is left",
        "获取状态报告，直到没有",
        lambda s: s.empty_queue(STATUS, STATUS_ITEM),
    ),
    "call-none": Probe(
        "A10",
        _FETCH,
        "fetches of replies until none is left",
        "获取上行，直到没有",
        lambda s: s.empty_queue(CALL, CALL_ITEM),
    ),
    OVER_BALANCE: Probe(
        "1.3-balance",
        _SEND,
        "a send to one number more than the account has points, if so many are allowed",
        "号码数比余额多一个的提交（允许的号码足够多时）",
        ProbeSession.send_over_balance,
    ),
    "status-action": Probe(
        "R10-action-queues",
        _FETCH,
        "a fetch of reports, action=x",
        "获取状态报告，action=x",
        lambda s: s.post(STATUS, action="x"),
    ),
    "call-action": Probe(
        "R10-action-queues",
        _FETCH,
        "a fetch of replies, action=x",
        "获取上行，action=x",
        lambda s: s.post(CALL, action="x"),
    ),
    "status-num": Probe(
        "4.4-4",
        _FETCH,
        "a fetch of reports, statusNum=abc",
        "获取状态报告，statusNum=abc",
        lambda s: s.post(STATUS, action="query", statusNum="abc"),
    ),
    "status-num-zero": Probe(
        "R10-statusNum",
        _FETCH,
        "a fetch of reports, statusNum=0",
        "获取状态报告，statusNum=0",
        lambda s: s.post(STATUS, action="query", statusNum="0"),
    ),
    "status-empty": Probe(
        "4.4-1",
        _FETCH,
        "a fetch of reports, an empty sign",
        "获取状态报告，sign 为空",
        lambda s: s.post(STATUS, action="query", sign=""),
    ),
    "status-wrong": Probe(
        "4.4-2",
        _FETCH,
        "a fetch of reports, a wrong sign",
        "获取状态报告，sign 错误",
        lambda s: s.post(STATUS, action="query", sign=INVALID_SIGN),
    ),
    "call-empty": Probe(
        "5.4-1",
        _FETCH,
        "a fetch of replies, an empty sign",
        "获取上行，sign 为空",
        lambda s: s.post(CALL, action="query", sign=""),
    ),
    "call-wrong": Probe(
        "5.4-2",
        _FETCH,
        "a fetch of replies, a wrong sign",
        "获取上行，sign 错误",
        lambda s: s.post(CALL, action="query", sign=INVALID_SIGN),
    ),
    "send-text": Probe(
        "1.3-ok",
        _SEND,
        "a send without a signature, and with one at each place until one is accepted",
        "不带签名的提交；再依次在各位置带签名，直到被接受",
        lambda s, place: s.send(PLACES[place]("内容", s.signature)),
    ),
    "send-again": Probe(
        "1.3-ok",
        _SEND,
        "a send that was accepted before, after refusals",
        "被拒绝之后，再提交一条此前被接受的短信",
        lambda s, _, number: s.send(**({"mobile": number} if number else {})),
    ),
    "send-empty": Probe(
        "1.3-credentials-empty", _SEND, "a send, an empty sign", "提交，sign 为空", lambda s: s.send("内容", sign="")
    ),
    "send-wrong": Probe(
        "1.3-credentials-wrong",
        _SEND,
        "a send, a wrong sign",
        "提交，sign 错误",
        lambda s: s.send("内容", sign=INVALID_SIGN),
    ),
    "send-mobile-empty": Probe(
        "1.3-mobile-empty", _SEND, "a send without a number", "没有号码的提交", lambda s: s.send(mobile="")
    ),
    "send-content-empty": Probe(
        "1.3-content-empty",
        _SEND,
        "a send without a text",
        "没有内容的提交",
        lambda s: s.post(UTF8, action="send", mobile=s.context.number, content=""),
    ),
    "send-sql": Probe(
        "1.3-sql",
        _SEND,
        "a send with an SQL injection",
        "含 SQL 注入的提交",
        lambda s: s.send(s.sign("x' or 1=1 --")),
    ),
    "send-word": Probe(
        "1.3-forbidden",
        _SEND,
        "a send with a forbidden word",
        "含屏蔽词的提交",
        lambda s: s.send(s.sign(f"代开{s.context.forbidden_word}")),
    ),
    "send-action": Probe(
        "1.2-action",
        _SEND,
        "action=x at the endpoint of send",
        "向提交接口发送 action=x",
        lambda s: s.post(UTF8, action="x"),
    ),
    "send-extno": Probe(
        "1.2-extno-invalid",
        _SEND,
        "sends with an extno of N digits",
        "extno 为 N 位的提交",
        lambda s, digits: s.send(extno="9" * digits),
    ),
    "send-extno-letters": Probe(
        "R9-other", _SEND, "a send, extno=abc", "提交，extno=abc", lambda s: s.send(extno="abc")
    ),
    "send-time": Probe(
        "R9-sendTime",
        _SEND,
        "sends for tomorrow noon, sendTime in each format",
        "定时到明天中午的提交，sendTime 用各种格式",
        _send_time,
    ),
    "send-time-text": Probe(
        "R9-sendTime", _SEND, "a send, sendTime=abc", "提交，sendTime=abc", lambda s: s.send(sendTime="abc")
    ),
    "send-time-no-date": Probe(
        "R9-sendTime",
        _SEND,
        "a send for 30 February, in an accepted format",
        "定时到 2 月 30 日的提交，用被接受的格式",
        lambda s, name: s.send(sendTime=_write_no_date(name)),
    ),
    "send-numbers": Probe(
        "1.2-mobile", _SEND, "sends to N allowed numbers at once", "一次提交 N 个允许的号码", _send_numbers
    ),
    "send-signature": Probe(
        "1.3-ok",
        _SEND,
        "sends with a signature of N characters",
        "签名为 N 个字的提交",
        _send_signature,
    ),
    "send-signature-other": Probe(
        "1.3-ok",
        _SEND,
        "a send with another signature of as many characters",
        "字数相同的另一个签名的提交",
        lambda s, length: s.send(s.sign("内容", _OTHER_SIGNATURE[-length:])),
    ),
    "send-signature-digits": Probe(
        "1.3-ok",
        _SEND,
        "a send with a signature of N digits",
        "签名为 N 位数字的提交",
        lambda s, length: s.send(s.sign("内容", "12345678901234567890"[:length])),
    ),
    "send-long": Probe(
        "R6-counts",
        _SEND,
        "a send of 71 characters, and the balance before it",
        "71 个字的提交，以及此前的余额",
        lambda s: s.send_and_measure(("send-long",), s.sign(LONG_TEXT)),
    ),
    "send-short": Probe(
        "1.3-remainpoint",
        _SEND,
        "a short send, and the balance before it",
        "短内容的提交，以及此前的余额",
        lambda s: s.send_and_measure(("send-short",), ""),
    ),
    "older-word": Probe(
        "E-checkContent",
        ("send", "older"),
        "a send with a forbidden word at /sms.aspx",
        "向 /sms.aspx 提交屏蔽词",
        lambda s: s.send(s.sign(f"代开{s.context.forbidden_word}"), OLDER_UTF8),
    ),
    "tracked": Probe(
        "1.2-extno",
        _SEND,
        "a send with extno=01, whose reports and replies are waited for",
        "extno=01 的提交，等待其状态报告和上行",
        ProbeSession.send_tracked,
    ),
    "reports": Probe(
        "4.3-layout",
        _BOTH,
        "fetches of reports until those of a send have come",
        "获取状态报告，直到某次提交的到达",
        lambda s: s.fetch_items(s.play("tracked"), STATUS, STATUS_ITEM, s.context.pace.report),
    ),
    "replies": Probe(
        "5.3-layout",
        _BOTH,
        "fetches of replies until those to a send have come",
        "获取上行，直到某次提交的到达",
        lambda s: s.fetch_items(s.play("tracked"), CALL, CALL_ITEM, s.context.pace.reply),
    ),
    "reports-again": Probe(
        "4.1-once",
        _BOTH,
        "a fetch after the reports were fetched",
        "取完状态报告后再取一次",
        lambda s: s.fetch_again(STATUS, "reports"),
    ),
    "replies-again": Probe(
        "5.1-once",
        _BOTH,
        "a fetch after the replies were fetched",
        "取完上行后再取一次",
        lambda s: s.fetch_again(CALL, "replies"),
    ),
    "balance-sent": Probe(
        "1.3-remainpoint",
        _SEND,
        "overage right after a send",
        "提交之后的 overage",
        lambda s: s.query_after("send-numbers", 1),
    ),
    "balance-refused": Probe(
        "R6-refused",
        _SEND,
        "overage right after a refused send",
        "被拒绝的提交之后的 overage",
        lambda s: s.query_after("send-empty"),
    ),
    "scheduled": Probe(
        "1.2-sendTime", _SEND, "a send with a sendTime shortly ahead", "稍后定时的提交", ProbeSession.send_scheduled
    ),
    "scheduled-early": Probe(
        "1.2-sendTime",
        _BOTH,
        "a fetch of reports before that time",
        "在该时间之前获取状态报告",
        ProbeSession.fetch_early,
    ),
    "scheduled-late": Probe(
        "1.2-sendTime",
        _BOTH,
        "fetches of reports after that time",
        "在该时间之后获取状态报告",
        ProbeSession.fetch_late,
    ),
    "default": Probe(
        "4.2-default",
        _BOTH,
        "a send to 4001 numbers, if so many are allowed, and a fetch of reports without statusNum",
        "向 4001 个号码提交（允许的号码足够多时），不带 statusNum 获取状态报告",
        ProbeSession.fetch_default,
    ),
}
"""All probes by name, in the order in which `compare` sends them."""
