"""What a request costs as the work grows a thousandfold, as one picture: `docs/costs.svg`.

Here belongs one request at a time, in process, on each store: what grows is accounts, what waits, a text, the list of
forbidden words. How many requests there are in a second is in `throughput`.
"""

import io
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote

from benchmarks.load import CREDENTIALS, with_current_signature
from benchmarks.sampling import interleave, number, table
from benchmarks.stores import Skipped, valkey_server
from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.app.vendor_app import Request, VendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Limits, Report
from sms10692_mock.domain.store import Store
from sms10692_mock.profiles import MANUAL
from sms10692_mock.stores.factory import open_store

PICTURE: Final = Path(__file__).parent.parent / "docs" / "costs.svg"
STORES: Final = ("memory", "sqlite", "Valkey")

_ROUNDS: Final = 7
_REQUESTS: Final = 40
"""Of one round, of which the median counts: what else the machine does meanwhile is in few of them."""
_FETCHED: Final = 2
"""So few that the least that waits is enough for all rounds."""
_ASIDE: Final = 100_000
"""Reports made at one go."""
_RICH: Final = Account("12", "test", "mima", points=10**12)

Ask: TypeAlias = Callable[[], None]
"""Makes one request, and is what is timed."""


class Emulator(NamedTuple):
    """The vendor's pages without a socket, and what is behind them."""

    pages: VendorApp
    store: Store

    def asker(self, page: Endpoint, form: str) -> Ask:
        """What makes this request, signed now."""
        body = with_current_signature(f"{form}&{CREDENTIALS}").encode()
        request = Request("POST", b"", "application/x-www-form-urlencoded", body, page.path)

        def ask() -> None:
            answer = self.pages.handle(page, request).body
            if b"Faild" in answer:
                raise RuntimeError(answer.decode(page.charset))

        return ask

    def sends(self, text: str = "内容") -> Ask:
        return self.asker(protocol.V2SMS, f"action=send&mobile=15023239810&content={quote(text)}")

    def fetches(self) -> Ask:
        return self.asker(protocol.V2STATUS_API, f"action=query&statusNum={_FETCHED}")


def _with_accounts(emulator: Emulator, size: int) -> Ask:
    for place in range(1, size):
        emulator.store.create_account(Account(f"a{place}", f"account{place}", "password", points=0))
    return emulator.sends()


def _with_waiting(emulator: Emulator, size: int) -> Ask:
    begun = time.time() - 1.0
    for before in range(0, size, _ASIDE):
        count = min(_ASIDE, size - before)
        reports = [Report(begun, str(13_000_000_000 + place), 1, 10, "DELIVRD", "", place) for place in range(count)]
        emulator.store.enqueue("12", reports, (), begun)
    return emulator.fetches()


def _with_text(emulator: Emulator, size: int) -> Ask:
    dice = random.Random(1)
    return emulator.sends("".join(chr(dice.randrange(0x4E00, 0x9FA6)) for _ in range(size)))


def _with_words(emulator: Emulator, size: int) -> Ask:
    return emulator.sends("【签名】您的验证码是 1234，请勿告诉他人。")


class ScalingCase(NamedTuple):
    """One thing that grows: its sizes, and how to have so much of it and ask then."""

    name: str
    asked: str
    sizes: tuple[int, ...]
    prepared: Callable[[Emulator, int], Ask]


GROWTHS: Final = (
    ScalingCase("accounts", "a send", (1, 100, 10_000, 100_000), _with_accounts),
    ScalingCase("reports waiting", f"a fetch of {_FETCHED}", (1_000, 10_000, 100_000, 1_000_000), _with_waiting),
    ScalingCase("characters of the text", "a send", (10, 100, 500, 2_000), _with_text),
    ScalingCase("forbidden words", "a send", (0, 100, 10_000, 100_000), _with_words),
)

Costs: TypeAlias = Mapping[str, Mapping[str, list[float]]]
"""Microseconds: of each thing that grows, on each store, at each size."""


@contextmanager
def _emulator(store: str, words: int) -> Iterator[Emulator]:
    dice = random.Random(1)
    forbidden = ("".join(chr(dice.randrange(0x4E00, 0x9FA6)) for _ in range(dice.randint(2, 4))) for _ in range(words))
    with ExitStack() as stack:
        if store == "memory":
            address = "memory"
        elif store == "sqlite":
            address = f"sqlite:{Path(stack.enter_context(tempfile.TemporaryDirectory())) / 'store.db'}"
        else:
            address = stack.enter_context(valkey_server())
        opened = open_store(address, Limits(), time.time)
        stack.callback(opened.close)
        vendor = build_vendor(Options(accounts=(_RICH,), keywords=Keywords(forbidden)), opened)
        yield Emulator(VendorApp(vendor, MANUAL), opened)


def _microseconds(ask: Ask) -> float:
    taken = []
    for _ in range(_REQUESTS):
        begun = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1e6


def _measured(growth: ScalingCase, store: str) -> list[float]:
    """What one request costs at each size, all sizes side by side."""
    with ExitStack() as stack:
        asks: dict[int, Ask] = {}
        for size in growth.sizes:
            emulator = stack.enter_context(_emulator(store, size if growth.prepared is _with_words else 0))
            asks[size] = growth.prepared(emulator, size)
            asks[size]()
        rounds = interleave(_ROUNDS, {str(size): _measure(ask) for size, ask in asks.items()})
    return [statistics.median(rounds[str(size)]) for size in growth.sizes]


def _measure(ask: Ask) -> Callable[[], float]:
    return lambda: _microseconds(ask)


def measured() -> tuple[Costs, list[str]]:
    """The costs, and what was left out and why."""
    costs: dict[str, dict[str, list[float]]] = {growth.name: {} for growth in GROWTHS}
    left_out: dict[str, None] = {}
    for growth in GROWTHS:
        for store in STORES:
            try:
                costs[growth.name][store] = _measured(growth, store)
            except Skipped as error:
                left_out[f"\nLeft out: {store}: {error}."] = None
    return costs, list(left_out)


def render_chart(costs: Costs) -> str:
    """The picture, as SVG: a panel for each thing that grows, a line for each store, both axes by powers of ten."""
    # Imported here: nobody else needs it, and it is installed by `make bench` alone.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "sms10692", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}):
        figure = Figure(figsize=(10, 7), layout="constrained")
        for growth, panel in zip(GROWTHS, figure.subplots(2, 2, sharey=True).flat, strict=True):
            for store, line in costs[growth.name].items():
                panel.plot([max(size, 1) for size in growth.sizes], line, marker="o", label=store)
            panel.set(xscale="log", yscale="log", xlabel=growth.name, ylabel=f"µs for {growth.asked}")
            panel.set_title(f"{growth.name}: {growth.sizes[0]:,} to {growth.sizes[-1]:,}")
        panel.legend()
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def growth() -> str:
    """Measure, draw the picture, and say the same as a table."""
    costs, left_out = measured()
    PICTURE.write_text(render_chart(costs), "utf-8")
    rows = [
        [f"{growth.asked}, {store}", f"{growth.name} {growth.sizes[0]:,} to {growth.sizes[-1]:,}", *map(number, line)]
        for growth in GROWTHS
        for store, line in costs[growth.name].items()
    ]
    return "\n".join([table(["", "grows", "µs at the first size", "second", "third", "last"], rows), *left_out])
