"""The clients of a storm: well-behaved, rude, slow and idle ones, and those who turn the weather.

Here belongs what each of them does, round after round, by dice that a seed loads.
"""

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from stress.connections import Answer, ConnectionBroken, RawConnection, control, form
from stress.oracle import ANSWERING, QUEUES, ClientRecord, Item, QueueName
from support.emulators import CALL, GBK, STATUS, UTF8, Address, request

PATIENCE: Final = 1.5
"""Seconds that a client waits for an answer, beyond which it hangs up."""

RULES: Final = [
    {"number": "131", "outcome": "silent"},
    {"number": "132", "delay": 1.0},
    {"number": "133", "outcome": "failed", "share": 0.5},
    {"number": ANSWERING, "reply": "T"},
]
_PREFIXES: Final = ("130", "131", "132", "133", ANSWERING)

_MANY: Final = 1500
"""So many numbers of one send keep a thread busy for a while."""

PAGES: Final[dict[QueueName, str]] = {"reports": STATUS, "replies": CALL}

_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "latency", "seconds": 0.1, "seconds_max": 0.8},
    {"kind": "hang"},
    {"kind": "hang", "acts": True},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "acts": True},
    {"kind": "empty"},
    {"kind": "cut", "at": 0},
    {"kind": "cut", "at": 60},
    {"kind": "cut", "at": 300},
    {"kind": "close"},
    {"kind": "close", "acts": True},
    {"kind": "charset", "charset": "utf-16"},
    {"kind": "bom"},
    {"kind": "message", "message": "其他错误", "operations": ["send"]},
    {"kind": "message", "message": "用户名或密码错误"},
    {"kind": "lose"},
    {"kind": "lose", "operations": ["call"]},
)
_OF_ALL: Final = ("overage", "checkkeyword", "call")
"""What faults for all strike: the client beside, whose waits are measured, asks for none of these."""

_BOX: Final = re.compile(r"<(?:status|call)box>\s*<mobile>([0-9]+)</mobile>\s*<taskid>([0-9]+)</taskid>")
_SENT: Final = re.compile(r"<returnstatus>Success</returnstatus>.*<taskID>([0-9]+)</taskID>", re.DOTALL)


@dataclass
class StressContext:
    """Where a storm takes place. `rounds` is a loop of each client; `wrongs` are answers that must never come."""

    address: Address
    seed: int
    rounds: Callable[[], AsyncIterator[int]]
    tally: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def dice(self, name: str) -> Random:
        """Dice of one client."""
        return Random(f"{self.seed}:{name}")  # noqa: S311 - they are to be the same again

    def mobiles(self, dice: Random, how_many: int) -> list[str]:
        """Numbers that nobody has sent to."""
        return [f"{dice.choice(_PREFIXES)}{next(self.numbers):08}" for _ in range(how_many)]

    async def told(self, connection: RawConnection, raw: bytes, patience: float = PATIENCE) -> Answer:
        """What is answered; counts it, and notes what no fault explains. Raises Broken."""
        try:
            answer = await connection.ask(raw, patience)
        except ConnectionBroken:
            self.tally["requests without a whole answer"] += 1
            raise
        self.tally["requests answered"] += 1
        # A fault's status comes as HTML, even where another fault then emptied it.
        if answer.status >= 500 and not answer.headers.get("content-type", "").startswith("text/html"):
            self.wrongs.append(f"{answer.status} to {raw[:200]!r}: {answer.headers} {answer.body[:200]!r}")
        return answer

    async def controlled(self, connection: RawConnection, method: str, path: str, document: object = None) -> Any:
        """What the control address answers. Raises Broken."""
        return (await self.told(connection, control(method, path, document), 60.0)).document()


def read(answer: Answer, charset: str = "utf-8") -> str | None:
    """The text of an answer of the vendor's, or None where a fault spoilt it."""
    label = "gb2312" if charset == "gbk" else charset
    try:
        text = answer.body.decode(charset)
    except UnicodeDecodeError:
        return None
    whole = text.startswith(f'<?xml version="1.0" encoding="{label}" ?>') and text.endswith("</returnsms>")
    return text if answer.status == 200 and whole else None


async def send(
    scene: StressContext,
    witness: ClientRecord,
    account: dict[str, Any],
    connection: RawConnection,
    mobiles: list[str],
    path: str = UTF8,
) -> None:
    """Send to these numbers, and let the witness know what came of it."""
    charset = "gbk" if path == GBK else "utf-8"
    raw = form(account, path, charset, action="send", content="内容", mobile=",".join(mobiles))
    try:
        text = read(await scene.told(connection, raw), charset)
    except ConnectionBroken:
        text = None
    if text is None:
        witness.unanswered.append(tuple(mobiles))
    elif sent := _SENT.search(text):
        witness.acknowledged.update(dict.fromkeys(mobiles, int(sent[1])))
    else:
        witness.unsent.update(mobiles)


async def fetch(
    scene: StressContext,
    witness: ClientRecord,
    account: dict[str, Any],
    connection: RawConnection,
    queue: QueueName,
    patience: float = 2 * PATIENCE,
    **fields: str,
) -> list[Item] | None:
    """Fetch from a queue, and let the witness know what came; None where no readable answer came."""
    try:
        text = read(await scene.told(connection, form(account, PAGES[queue], action="query", **fields), patience))
    except ConnectionBroken:
        text = None
    if text is None:
        witness.lost[queue] += 1
        return None
    items = [(int(task), mobile) for mobile, task in _BOX.findall(text)]
    witness.fetched[queue].append(items)
    return items


async def normal_client(
    scene: StressContext, name: str, witness: ClientRecord, account: dict[str, Any], pause: float
) -> None:
    """Sends, fetches and asks, as programs do, over a connection that it keeps or does not."""
    dice, connection = scene.dice(name), RawConnection(scene.address)
    async for _ in scene.rounds():
        await asyncio.sleep(dice.expovariate(1 / pause))
        what = dice.random()
        if what < 0.5:
            await send(
                scene, witness, account, connection, scene.mobiles(dice, dice.randint(1, 6)), dice.choice([UTF8, GBK])
            )
        elif what < 0.503:
            await send(scene, witness, account, connection, scene.mobiles(dice, _MANY))
        elif what < 0.75:
            await fetch(scene, witness, account, connection, "reports", statusNum=dice.choice(["", "1", "7", "1000"]))
        elif what < 0.85:
            await fetch(scene, witness, account, connection, "replies")
        else:
            with suppress(ConnectionBroken):
                action = dice.choice(["overage", "checkkeyword"])
                await scene.told(connection, form(account, UTF8, action=action, content="内容"))
        if dice.random() < 0.3:
            connection.close(rudely=dice.random() < 0.5)
    connection.close()


async def aborting_client(
    scene: StressContext, name: str, witness: ClientRecord, account: dict[str, Any], pause: float
) -> None:
    """Hangs up: in the middle of a request, before the answer, or in the middle of the answer."""
    dice, connection = scene.dice(name), RawConnection(scene.address)
    async for _ in scene.rounds():
        await asyncio.sleep(dice.expovariate(1 / pause))
        mobiles, queue, in_the_middle = (
            scene.mobiles(dice, dice.choices([1, 3, _MANY], [100, 100, 1])[0]),
            dice.choice(QUEUES),
            dice.random() < 0.4,
        )
        sends = dice.random() < 0.5
        raw = (
            form(account, UTF8, action="send", content="x", mobile=",".join(mobiles))
            if sends
            else form(account, PAGES[queue], action="query")
        )
        if in_the_middle:
            # From the first byte to the last but one; an answer that was cut short is no list of numbers to send to.
            raw = raw[: dice.randrange(1, len(raw))]
            witness.unsent.update(mobiles)
        elif sends:
            witness.unanswered.append(tuple(mobiles))
        else:
            witness.lost[queue] += 1
        with suppress(OSError):
            await connection.say(raw)
            if dice.random() < 0.5:
                await (asyncio.sleep(dice.random() * 0.02) if in_the_middle else connection.some(PATIENCE))
        connection.close(rudely=dice.random() < 0.5)
        scene.tally["clients that hung up"] += 1


async def idle_client(scene: StressContext, name: str, account: dict[str, Any]) -> None:
    """Holds a connection: never used, used once, or with half a request on it, head or body; until it is cancelled."""
    dice = scene.dice(name)
    whole = form(account, UTF8, action="overage")
    said = dice.choice([b"", whole, whole[:30], whole[:-20]])
    connection = RawConnection(scene.address)
    try:
        while True:
            with suppress(OSError, ConnectionBroken):
                await (scene.told(connection, whole, 10.0) if said is whole else connection.say(said))
            await asyncio.sleep(5.0)
    finally:
        connection.close()


async def waiting_reader(scene: StressContext, name: str, account: dict[str, Any], seconds: float) -> None:
    """Waits for an answer that takes long, again and again."""
    dice, connection = scene.dice(name), RawConnection(scene.address)
    async for _ in scene.rounds():
        with suppress(ConnectionBroken):
            path = dice.choice([UTF8, STATUS])
            await scene.told(
                connection, form(account, path, action="overage" if path == UTF8 else "query"), seconds + 10
            )
            scene.tally["slow answers"] += 1
    connection.close()


async def fault_toggler(scene: StressContext, accounts: list[dict[str, Any]], pause: float) -> None:
    """Lets things go wrong, for an account or for all, and now and then all go right again."""
    dice, connection = scene.dice("weather"), RawConnection(scene.address)
    async for _ in scene.rounds():
        await asyncio.sleep(dice.expovariate(1 / pause))
        for _ in range(dice.randint(1, 3)):
            with suppress(ConnectionBroken):
                await _turn(scene, connection, dice, accounts)
    for path in ("/faults", *(f"/accounts/{account['userid']}/faults" for account in accounts)):
        await scene.controlled(connection, "DELETE", path, {})
    connection.close()


async def _turn(scene: StressContext, connection: RawConnection, dice: Random, accounts: list[dict[str, Any]]) -> None:
    fault = dict(dice.choice(_FAULTS))
    for_all = dice.random() < 0.2 and "operations" not in fault and fault["kind"] != "lose"
    path = "/faults" if for_all else f"/accounts/{dice.choice(accounts)['userid']}/faults"
    if for_all:
        fault["operations"] = dice.sample(_OF_ALL, dice.randint(1, 3))
    fault |= {"seed": dice.randrange(1000)}
    fault |= {"remaining": dice.randint(1, 10)} if dice.random() < 0.8 else {"share": 0.1, "remaining": 100}
    if dice.random() < 0.1:
        await scene.controlled(connection, "DELETE", path, {})
    else:
        await scene.controlled(connection, "POST", path, fault)
        scene.tally["faults"] += 1


async def list_reader(scene: StressContext, accounts: list[dict[str, Any]], pause: float) -> None:
    """Looks at lists, as a test or the console does, and waits for what comes."""
    dice, connection = scene.dice("looker"), RawConnection(scene.address)
    looks = (
        "messages",
        "messages?order=desc&text=内",
        "reports?state=waiting",
        "requests?order=desc",
        "queues",
        "clock",
    )
    async for _ in scene.rounds():
        await asyncio.sleep(dice.expovariate(1 / pause))
        look = dice.choice([*looks, "messages?wait=0.5&count=1000"])
        path = dice.choice([f"/accounts/{dice.choice(accounts)['userid']}/{look}", "/accounts", "/requests?order=desc"])
        with suppress(ConnectionBroken):
            await scene.told(connection, control("GET", path.replace("内", "%E5%86%85")), 10.0)
    connection.close()


async def short_lived_account(scene: StressContext, name: str, pause: float) -> None:
    """Makes an account and uses it, over several connections, until it is reset or closed in the middle."""
    dice, connection = scene.dice(name), RawConnection(scene.address)
    async for _ in scene.rounds():
        await asyncio.sleep(dice.expovariate(1 / pause))
        with suppress(ConnectionBroken):
            account = await scene.controlled(connection, "POST", "/accounts", {})
            path = f"/accounts/{account['userid']}"
            await scene.controlled(
                connection, "POST", f"{path}/faults", {"kind": "latency", "seconds": 0.01, "share": 0.5}
            )
            users = [asyncio.create_task(_use(scene, account, 20)) for _ in range(3)]
            await asyncio.sleep(dice.random() * 0.05)
            await scene.controlled(connection, "POST", f"{path}/reset", {})
            await scene.controlled(connection, "PUT", f"{path}/clock", {"mode": "frozen"})
            await asyncio.sleep(dice.random() * 0.05)
            await scene.controlled(connection, "DELETE", path, {})
            await asyncio.gather(*users)
            scene.tally["accounts closed in the middle"] += 1
    connection.close()


async def _use(scene: StressContext, account: dict[str, Any], times: int) -> None:
    witness, connection = ClientRecord(), RawConnection(scene.address)
    for number in range(times):
        await send(scene, witness, account, connection, [f"1300000{number:04}"])
        await fetch(scene, witness, account, connection, "reports")
    connection.close()


async def large_body_client(scene: StressContext, account: dict[str, Any], pause: float) -> None:
    """Comes with what is large: 50,000 numbers, 4 MiB of nothing, more than is taken; and with what is wrong."""
    dice, connection = scene.dice("porter"), RawConnection(scene.address)
    numbers = ",".join(str(15000000000 + place) for place in range(50_000))
    large = (
        form(account, UTF8, action="send", content="x", mobile=numbers),
        form(account, STATUS, action="query", statusNum="50000"),
        form(account, UTF8, action="checkkeyword", content="内" * 400_000),
        form(account, GBK, "gbk", action="send", content="'" * 1_000_000, mobile="15000000000"),
        request(UTF8, b"&" * (4 * 1024 * 1024)),
        request(UTF8, b"\n" * (4 * 1024 * 1024), "multipart/form-data; boundary=x"),
        request(UTF8, b"x" * (4 * 1024 * 1024 + 1)),
    )
    wrong = form(account | {"password": "wrong"}, UTF8, action="send", content="内容", mobile="15023239810")
    async for _ in scene.rounds():
        await asyncio.sleep(dice.expovariate(1 / pause))
        with suppress(ConnectionBroken):
            await scene.told(connection, dice.choice(large), 30.0)
            scene.tally["large requests"] += 1
        flood = [RawConnection(scene.address) for _ in range(10)]
        await asyncio.gather(*(one.ask(wrong) for one in flood), return_exceptions=True)
        for one in flood:
            one.close()
    connection.close()
