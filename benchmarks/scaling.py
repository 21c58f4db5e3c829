"""Scaling benchmark: time per request as accounts, queues, texts or keyword lists grow; chart in `docs/costs.svg`.

Single requests on each store, in process. Throughput is measured in `throughput`.
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
from benchmarks.sampling import format_number, format_table, interleave
from benchmarks.stores import Skipped, valkey_server
from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Limits, StatusReport
from sms10692_mock.domain.store import Store
from sms10692_mock.stores.factory import open_store

CHART_FILE: Final = Path(__file__).parent.parent / "docs" / "costs.svg"
STORES: Final = ("memory", "sqlite", "Valkey")

_ROUNDS: Final = 7
_REQUESTS: Final = 40
"""Requests per round. Their median counts, so that a few delayed by other processes do not."""
_FETCH_SIZE: Final = 2
"""Reports per fetch: few enough that the shortest queue lasts for all rounds."""
_CHUNK_SIZE: Final = 100_000
"""Reports enqueued at once."""
_RICH: Final = Account("12", "test", "mima", points=10**12)

RequestFunction: TypeAlias = Callable[[], None]
"""Function that handles one request; the benchmark times it."""


class Emulator(NamedTuple):
    """Vendor application without a socket, and its store."""

    app: VendorApp
    store: Store

    def build_request(self, endpoint: Endpoint, form: str) -> RequestFunction:
        """Return a function that handles this request, signed with the current time."""
        body = with_current_signature(f"{form}&{CREDENTIALS}").encode()
        request = VendorRequest("POST", b"", "application/x-www-form-urlencoded", body, endpoint.path)

        def run() -> None:
            body = self.app.respond(endpoint, request).body
            if b"Faild" in body:
                raise RuntimeError(body.decode(endpoint.charset))

        return run

    def build_send(self, text: str = "内容") -> RequestFunction:
        return self.build_request(protocol.V2SMS, f"action=send&mobile=15023239810&content={quote(text)}")

    def build_fetch(self) -> RequestFunction:
        return self.build_request(protocol.V2STATUS_API, f"action=query&statusNum={_FETCH_SIZE}")


def _prepare_accounts(emulator: Emulator, size: int) -> RequestFunction:
    for index in range(1, size):
        emulator.store.create_account(Account(f"a{index}", f"account{index}", "password", points=0))
    return emulator.build_send()


def _prepare_queue(emulator: Emulator, size: int) -> RequestFunction:
    due = time.time() - 1.0
    for start in range(0, size, _CHUNK_SIZE):
        count = min(_CHUNK_SIZE, size - start)
        reports = [
            StatusReport(due, str(13_000_000_000 + index), 1, 10, "DELIVRD", "", index) for index in range(count)
        ]
        emulator.store.enqueue("12", reports, (), due)
    return emulator.build_fetch()


def _prepare_text(emulator: Emulator, size: int) -> RequestFunction:
    generator = random.Random(1)
    return emulator.build_send("".join(chr(generator.randrange(0x4E00, 0x9FA6)) for _ in range(size)))


def _prepare_keywords(emulator: Emulator, size: int) -> RequestFunction:
    return emulator.build_send("【签名】您的验证码是 1234，请勿告诉他人。")


class ScalingCase(NamedTuple):
    """A quantity that grows: its sizes, the measured request, and the function that sets up a size."""

    name: str
    request: str
    sizes: tuple[int, ...]
    prepare: Callable[[Emulator, int], RequestFunction]


CASES: Final = (
    ScalingCase("accounts", "a send", (1, 100, 10_000, 100_000), _prepare_accounts),
    ScalingCase("reports waiting", f"a fetch of {_FETCH_SIZE}", (1_000, 10_000, 100_000, 1_000_000), _prepare_queue),
    ScalingCase("characters of the text", "a send", (10, 100, 500, 2_000), _prepare_text),
    ScalingCase("forbidden words", "a send", (0, 100, 10_000, 100_000), _prepare_keywords),
)

Costs: TypeAlias = Mapping[str, Mapping[str, list[float]]]
"""Microseconds by case, store and size."""


@contextmanager
def _run_emulator(store: str, words: int) -> Iterator[Emulator]:
    generator = random.Random(1)
    forbidden = (
        "".join(chr(generator.randrange(0x4E00, 0x9FA6)) for _ in range(generator.randint(2, 4))) for _ in range(words)
    )
    with ExitStack() as stack:
        if store == "memory":
            address = "memory"
        elif store == "sqlite":
            address = f"sqlite:{Path(stack.enter_context(tempfile.TemporaryDirectory())) / 'store.db'}"
        else:
            address = stack.enter_context(valkey_server())
        opened = open_store(address, Limits(), time.time)
        stack.callback(opened.close)
        options = Options(accounts=(_RICH,), keywords=Keywords(forbidden))
        yield Emulator(VendorApp(build_vendor(options, opened), options), opened)


def _measure_microseconds(request: RequestFunction) -> float:
    samples = []
    for _ in range(_REQUESTS):
        started = time.perf_counter()
        request()
        samples.append(time.perf_counter() - started)
    return statistics.median(samples) * 1e6


def _measure_case(case: ScalingCase, store: str) -> list[float]:
    """Return the time of one request at each size, measured in interleaved rounds."""
    with ExitStack() as stack:
        requests: dict[int, RequestFunction] = {}
        for size in case.sizes:
            emulator = stack.enter_context(_run_emulator(store, size if case.prepare is _prepare_keywords else 0))
            requests[size] = case.prepare(emulator, size)
            requests[size]()
        rounds = interleave(_ROUNDS, {str(size): _as_measurement(request) for size, request in requests.items()})
    return [statistics.median(rounds[str(size)]) for size in case.sizes]


def _as_measurement(request: RequestFunction) -> Callable[[], float]:
    return lambda: _measure_microseconds(request)


def measure_costs() -> tuple[Costs, list[str]]:
    """Return the costs, and a line for each store that was skipped."""
    costs: dict[str, dict[str, list[float]]] = {case.name: {} for case in CASES}
    skipped: dict[str, None] = {}
    for case in CASES:
        for store in STORES:
            try:
                costs[case.name][store] = _measure_case(case, store)
            except Skipped as error:
                skipped[f"\nSkipped: {store}: {error}."] = None
    return costs, list(skipped)


def render_chart(costs: Costs) -> str:
    """Render the chart as SVG: a panel per case, a line per store, both axes logarithmic."""
    # Imported here: matplotlib is used only in this function and installed only by `make bench`.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "sms10692", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}):
        figure = Figure(figsize=(10, 7), layout="constrained")
        for case, panel in zip(CASES, figure.subplots(2, 2, sharey=True).flat, strict=True):
            for store, line in costs[case.name].items():
                panel.plot([max(size, 1) for size in case.sizes], line, marker="o", label=store)
            panel.set(xscale="log", yscale="log", xlabel=case.name, ylabel=f"µs for {case.request}")
            panel.set_title(f"{case.name}: {case.sizes[0]:,} to {case.sizes[-1]:,}")
        panel.legend()
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def measure_scaling() -> str:
    """Measure all cases, write the chart, and return the figures as a table."""
    costs, skipped = measure_costs()
    CHART_FILE.write_text(render_chart(costs), "utf-8")
    rows = [
        [f"{case.request}, {store}", f"{case.name} {case.sizes[0]:,} to {case.sizes[-1]:,}", *map(format_number, line)]
        for case in CASES
        for store, line in costs[case.name].items()
    ]
    return "\n".join([format_table(["", "grows", "µs at the first size", "second", "third", "last"], rows), *skipped])
