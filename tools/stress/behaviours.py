"""Behaviours of the stress test's clients: normal, aborting, idle, slow, fault toggler, list reader, and others.

Each client repeats its behaviour once per round. Its random choices depend on the seed and on the client's name only.
"""

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from sms10692.protocol import OTHER_ERROR
from sms10692_mock.domain.fault_kinds import FAULT_KINDS
from stress.oracle import QUEUES, REPLYING_PREFIX, ClientRecord, Item, QueueName
from support.emulators import CALL, GBK, STATUS, UTF8, build_form_request
from support.faults import FAULTS
from support.http_client import (
    Address,
    ConnectionBroken,
    RawConnection,
    Response,
    build_control_request,
    build_request,
)

DELIVERY_RULES: Final = [
    {"number": "131", "outcome": "unreported"},
    {"number": "132", "delay": 1.0},
    {"number": "133", "outcome": "failed", "probability": 0.5},
    {"number": REPLYING_PREFIX, "reply": "T"},
]
_PREFIXES: Final = ("130", "131", "132", "133", REPLYING_PREFIX)

_LARGE_SEND: Final = 1500
"""Numbers in one large send, which keeps a thread busy for a while."""

QUEUE_ENDPOINTS: Final[dict[QueueName, str]] = {"reports": STATUS, "replies": CALL}

_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    *FAULTS.values(),
    {"kind": "latency", "seconds": 0.1, "seconds_max": 0.8},
    {"kind": "hang", "apply": True},
    {"kind": "status", "status": 500, "apply": True},
    {"kind": "truncate", "at": 0},
    {"kind": "truncate", "at": 60},
    {"kind": "truncate", "at": 300},
    {"kind": "disconnect", "apply": True},
    {"kind": "vendor_error", "message": "其他错误", "operations": ["send"]},
    {"kind": "drop_fetch", "operations": ["call"]},
)
_GLOBAL_FAULT_OPERATIONS: Final = ("overage", "checkkeyword", "call")
"""Operations that faults for all accounts apply to: the probe, whose latency is measured, uses none of them."""

_ITEM: Final = re.compile(r"<(?:status|call)box>\s*<mobile>([0-9]+)</mobile>\s*<taskid>([0-9]+)</taskid>")
_TASK_ID: Final = re.compile(r"<returnstatus>Success</returnstatus>.*<taskID>([0-9]+)</taskID>", re.DOTALL)


@dataclass
class StressContext:
    """Shared state of a run.

    - `get_address`: returns the address of the emulator, which may change between two connections
    - `continues`: whether a client begins another round, by its number
    - `timeout`: seconds that a client waits for a response before it closes the connection
    - `store_fails`: whether the emulator may answer 503, because its store is killed
    - `failures`: descriptions of responses that must never occur
    """

    get_address: Callable[[], Address]
    seed: int
    continues: Callable[[int], bool]
    timeout: float = 1.5
    store_fails: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def connect(self) -> RawConnection:
        """Return a connection, which is opened on first use."""
        return RawConnection(self.get_address)

    def rounds(self) -> Iterator[int]:
        """Number the rounds of one client, until the run ends."""
        return itertools.takewhile(self.continues, itertools.count())

    def create_rng(self, name: str) -> Random:
        """Return the random generator of one client."""
        return Random(f"{self.seed}:{name}")  # noqa: S311 - repeatable

    def new_mobiles(self, rng: Random, count: int) -> list[str]:
        """Return phone numbers that no client has sent to."""
        return [f"{rng.choice(_PREFIXES)}{next(self.numbers):08}" for _ in range(count)]

    async def request(self, connection: RawConnection, raw: bytes, timeout: float | None = None) -> Response:
        """Send a request and count its response. Records a 5xx that no fault explains. Raises ConnectionBroken."""
        try:
            response = await connection.request(raw, timeout or self.timeout)
        except ConnectionBroken:
            self.counts["requests without a complete response"] += 1
            raise
        self.counts["requests answered"] += 1
        # A status set by a fault comes with the type text/html, even if another fault emptied the body.
        is_expected = response.content_type.startswith("text/html") or (self.store_fails and response.status == 503)
        if response.status >= 500 and not is_expected:
            self.failures.append(f"{response.status} to {raw[:200]!r}: {response.content_type} {response.body[:200]!r}")
        return response

    async def control(self, connection: RawConnection, method: str, path: str, document: object = None) -> Any:
        """Send a request to the control API and return the parsed response. Raises ConnectionBroken.

        A request that was refused because the store was killed is repeated.
        """
        raw = build_control_request(method, path, document)
        async with asyncio.timeout(60.0):
            while (response := await self.request(connection, raw, 60.0)).status == 503:
                await asyncio.sleep(0.01)
        return response.json()


def decode_response(response: Response, charset: str = "utf-8") -> str | None:
    """Return the text of a vendor response, or None when a fault has damaged the response."""
    label = "gb2312" if charset == "gbk" else charset
    try:
        text = response.body.decode(charset)
    except UnicodeDecodeError:
        return None
    complete = text.startswith(f'<?xml version="1.0" encoding="{label}" ?>') and text.endswith("</returnsms>")
    return text if response.status == 200 and complete else None


async def send(
    context: StressContext,
    record: ClientRecord,
    account: dict[str, Any],
    connection: RawConnection,
    mobiles: list[str],
    path: str = UTF8,
) -> None:
    """Send to these numbers, and record the outcome."""
    charset = "gbk" if path == GBK else "utf-8"
    raw = build_form_request(account, path, charset, action="send", content="内容", mobile=",".join(mobiles))
    try:
        text = decode_response(await context.request(connection, raw), charset)
    except ConnectionBroken:
        text = None
    # When the store is killed, the emulator answers with this message, and cannot know whether the send took effect.
    if text is None or (context.store_fails and OTHER_ERROR in text):
        record.unanswered.append(tuple(mobiles))
    elif sent := _TASK_ID.search(text):
        record.acknowledged.update(dict.fromkeys(mobiles, int(sent[1])))
        context.counts["sends acknowledged"] += 1
    else:
        record.unsent.update(mobiles)


async def fetch(
    context: StressContext,
    record: ClientRecord,
    account: dict[str, Any],
    connection: RawConnection,
    queue: QueueName,
    timeout: float | None = None,
    **fields: str,
) -> list[Item] | None:
    """Fetch from a queue and record the items. Returns None when no readable response arrived."""
    try:
        raw = build_form_request(account, QUEUE_ENDPOINTS[queue], action="query", **fields)
        text = decode_response(await context.request(connection, raw, timeout or 2 * context.timeout))
    except ConnectionBroken:
        text = None
    if text is None:
        record.lost[queue] += 1
        return None
    items = [(int(task), mobile) for mobile, task in _ITEM.findall(text)]
    record.fetched[queue].append(items)
    return items


async def normal_client(
    context: StressContext, name: str, record: ClientRecord, account: dict[str, Any], pause: float
) -> None:
    """Send, fetch and query, as ordinary programs do, with and without keep-alive."""
    rng, connection = context.create_rng(name), context.connect()
    for _ in context.rounds():
        await asyncio.sleep(rng.expovariate(1 / pause))
        choice = rng.random()
        if choice < 0.5:
            await send(
                context,
                record,
                account,
                connection,
                context.new_mobiles(rng, rng.randint(1, 6)),
                rng.choice([UTF8, GBK]),
            )
        elif choice < 0.503:
            await send(context, record, account, connection, context.new_mobiles(rng, _LARGE_SEND))
        elif choice < 0.75:
            await fetch(context, record, account, connection, "reports", statusNum=rng.choice(["", "1", "7", "1000"]))
        elif choice < 0.85:
            await fetch(context, record, account, connection, "replies")
        else:
            with suppress(ConnectionBroken):
                action = rng.choice(["overage", "checkkeyword"])
                await context.request(connection, build_form_request(account, UTF8, action=action, content="内容"))
        if rng.random() < 0.3:
            connection.close(reset=rng.random() < 0.5)
    connection.close()


async def aborting_client(
    context: StressContext, name: str, record: ClientRecord, account: dict[str, Any], pause: float
) -> None:
    """Close the connection in the middle of a request, before the response, or in the middle of the response."""
    rng, connection = context.create_rng(name), context.connect()
    for _ in context.rounds():
        await asyncio.sleep(rng.expovariate(1 / pause))
        mobiles, queue, in_request = (
            context.new_mobiles(rng, rng.choices([1, 3, _LARGE_SEND], [100, 100, 1])[0]),
            rng.choice(QUEUES),
            rng.random() < 0.4,
        )
        sends = rng.random() < 0.5
        raw = (
            build_form_request(account, UTF8, action="send", content="x", mobile=",".join(mobiles))
            if sends
            else build_form_request(account, QUEUE_ENDPOINTS[queue], action="query")
        )
        if in_request:
            # At least one byte is sent and at least the last is missing, so no send may take effect.
            raw = raw[: rng.randrange(1, len(raw))]
            record.unsent.update(mobiles)
        elif sends:
            record.unanswered.append(tuple(mobiles))
        else:
            record.lost[queue] += 1
        with suppress(OSError):
            await connection.write(raw)
            if rng.random() < 0.5:
                await (asyncio.sleep(rng.random() * 0.02) if in_request else connection.read_some(context.timeout))
        connection.close(reset=rng.random() < 0.5)
        context.counts["connections closed early"] += 1


async def idle_client(context: StressContext, name: str, account: dict[str, Any]) -> None:
    """Hold a connection open until cancelled: unused, used once, or with an incomplete head or body sent."""
    rng = context.create_rng(name)
    overage = build_form_request(account, UTF8, action="overage")
    data = rng.choice([b"", overage, overage[:30], overage[:-20]])
    connection = context.connect()
    try:
        while True:
            with suppress(OSError, ConnectionBroken):
                await (context.request(connection, overage, 10.0) if data is overage else connection.write(data))
            await asyncio.sleep(5.0)
    finally:
        connection.close()


async def waiting_reader(context: StressContext, name: str, account: dict[str, Any], seconds: float) -> None:
    """Send requests whose responses are delayed by a latency fault."""
    rng, connection = context.create_rng(name), context.connect()
    for _ in context.rounds():
        with suppress(ConnectionBroken):
            path = rng.choice([UTF8, STATUS])
            await context.request(
                connection,
                build_form_request(account, path, action="overage" if path == UTF8 else "query"),
                seconds + 10,
            )
            context.counts["slow responses"] += 1
    connection.close()


async def fault_toggler(context: StressContext, accounts: list[dict[str, Any]], pause: float) -> None:
    """Add faults, for one account or for all; sometimes delete them. Deletes all of them at the end."""
    rng, connection = context.create_rng("faults"), context.connect()
    for _ in context.rounds():
        await asyncio.sleep(rng.expovariate(1 / pause))
        for _ in range(rng.randint(1, 3)):
            with suppress(ConnectionBroken):
                await _change_faults(context, connection, rng, accounts)
    for path in ("/faults", *(f"/accounts/{account['userid']}/faults" for account in accounts)):
        await context.control(connection, "DELETE", path, {})
    connection.close()


async def _change_faults(
    context: StressContext, connection: RawConnection, rng: Random, accounts: list[dict[str, Any]]
) -> None:
    fault = dict(rng.choice(_FAULTS))
    for_all = rng.random() < 0.2 and "operations" not in fault and not FAULT_KINDS[fault["kind"]].operations
    path = "/faults" if for_all else f"/accounts/{rng.choice(accounts)['userid']}/faults"
    if for_all:
        fault["operations"] = rng.sample(_GLOBAL_FAULT_OPERATIONS, rng.randint(1, 3))
    fault |= {"seed": rng.randrange(1000)}
    fault |= {"times": rng.randint(1, 10)} if rng.random() < 0.8 else {"probability": 0.1, "times": 100}
    if rng.random() < 0.1:
        await context.control(connection, "DELETE", path, {})
    else:
        await context.control(connection, "POST", path, fault)
        context.counts["faults"] += 1


async def list_reader(context: StressContext, accounts: list[dict[str, Any]], pause: float) -> None:
    """Read lists through the control API, with long polling, as tests and the console do."""
    rng, connection = context.create_rng("lists"), context.connect()
    lists = (
        "messages",
        "messages?order=desc&text=内",
        "reports?state=waiting",
        "requests?order=desc",
        "queues",
        "clock",
    )
    for _ in context.rounds():
        await asyncio.sleep(rng.expovariate(1 / pause))
        chosen = rng.choice([*lists, "messages?wait=0.5&count=1000"])
        path = rng.choice([f"/accounts/{rng.choice(accounts)['userid']}/{chosen}", "/accounts", "/requests?order=desc"])
        with suppress(ConnectionBroken):
            await context.request(connection, build_control_request("GET", path.replace("内", "%E5%86%85")), 10.0)
    connection.close()


async def short_lived_account(context: StressContext, name: str, pause: float) -> None:
    """Create an account, use it over several connections, and reset and delete the account meanwhile."""
    rng, connection = context.create_rng(name), context.connect()
    for _ in context.rounds():
        await asyncio.sleep(rng.expovariate(1 / pause))
        with suppress(ConnectionBroken):
            account = await context.control(connection, "POST", "/accounts", {})
            path = f"/accounts/{account['userid']}"
            await context.control(
                connection, "POST", f"{path}/faults", {"kind": "latency", "seconds": 0.01, "probability": 0.5}
            )
            tasks = [asyncio.create_task(_use_account(context, account, 20)) for _ in range(3)]
            await asyncio.sleep(rng.random() * 0.05)
            await context.control(connection, "POST", f"{path}/reset", {})
            await context.control(connection, "PUT", f"{path}/clock", {"mode": "frozen"})
            await asyncio.sleep(rng.random() * 0.05)
            await context.control(connection, "DELETE", path, {})
            await asyncio.gather(*tasks)
            context.counts["accounts deleted while in use"] += 1
    connection.close()


async def _use_account(context: StressContext, account: dict[str, Any], times: int) -> None:
    record, connection = ClientRecord(), context.connect()
    for number in range(times):
        await send(context, record, account, connection, [f"1300000{number:04}"])
        await fetch(context, record, account, connection, "reports")
    connection.close()


async def large_body_client(context: StressContext, account: dict[str, Any], pause: float) -> None:
    """Send large requests (50,000 numbers, bodies of 4 MiB and more) and bursts with a wrong password."""
    rng, connection = context.create_rng("large bodies"), context.connect()
    numbers = ",".join(str(15000000000 + index) for index in range(50_000))
    large = (
        build_form_request(account, UTF8, action="send", content="x", mobile=numbers),
        build_form_request(account, STATUS, action="query", statusNum="50000"),
        build_form_request(account, UTF8, action="checkkeyword", content="内" * 400_000),
        build_form_request(account, GBK, "gbk", action="send", content="'" * 1_000_000, mobile="15000000000"),
        build_request(UTF8, b"&" * (4 * 1024 * 1024)),
        build_request(UTF8, b"\n" * (4 * 1024 * 1024), "multipart/form-data; boundary=x"),
        build_request(UTF8, b"x" * (4 * 1024 * 1024 + 1)),
    )
    wrong_password = build_form_request(
        account | {"password": "wrong"}, UTF8, action="send", content="内容", mobile="15023239810"
    )
    for _ in context.rounds():
        await asyncio.sleep(rng.expovariate(1 / pause))
        with suppress(ConnectionBroken):
            await context.request(connection, rng.choice(large), 30.0)
            context.counts["large requests"] += 1
        burst = [context.connect() for _ in range(10)]
        await asyncio.gather(*(member.request(wrong_password) for member in burst), return_exceptions=True)
        for member in burst:
            member.close()
    connection.close()
