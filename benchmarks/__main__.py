"""`make bench`: every measurement once, side by side, printed and kept in `results.md`.

Here belongs what is measured in which order, and what is said of the machine. Figures of shared machines wander: read
the ratios.
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

import click

from benchmarks import load, servers, throughput
from benchmarks.admin_api import control_figures
from benchmarks.client import build_and_sign, medians, read_by_lxml, read_by_the_client
from benchmarks.payload_size import sizes
from benchmarks.sampling import table
from benchmarks.scaling import growth

_PARTS: Final = "requests, waits, stores, peers, sizes, growth, control, start, client"
RESULTS: Final = Path(__file__).parent / "results.md"


def machine() -> str:
    """What it ran on, in a paragraph."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    versions = [f"{name} {metadata.version(name)}" for name in ("granian", "Flask", "lxml")]
    node = shutil.which("node")
    if node:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
        versions.append(f"Node {said.stdout.strip()}")
    return ", ".join(
        [
            f"{datetime.now(UTC):%Y-%m-%d}",
            f"{platform.system()} {platform.machine()}",
            f"{os.cpu_count()} cores ({processor or 'unknown'})",
            f"Python {platform.python_version()}",
            *versions,
            f"the load: {load.load_tool()}, and our own at a fixed rate",
            *([f"{os.getloadavg()[0]:.1f} processes wanted a core when it began"] if hasattr(os, "getloadavg") else []),
        ]
    )


def starts(rounds: int) -> str:
    """How long the start takes, beside the import of Flask alone, and the memory of an idle emulator."""
    seconds, imports, memory = [], [], []
    for _ in range(rounds):
        server = servers.start_emulator("sms10692_mock", "serve", "--port", "0", core=None)
        seconds.append(server.until_ready)
        memory.append(server.resident())
        servers.end(server)
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import flask"], check=True)
        imports.append(time.perf_counter() - begun)
    return table(
        ["", ""],
        [
            ["from the start to `listening`", f"{statistics.median(seconds):.2f} s"],
            ["`python -c 'import flask'`, for comparison", f"{statistics.median(imports):.2f} s"],
            ["resident memory, idle", f"{statistics.median(memory):.0f} MiB"],
        ],
    )


def client(rounds: int) -> str:
    """What the client costs."""
    ours, lxmls, building = medians(rounds * 4, read_by_the_client, read_by_lxml, build_and_sign)
    return table(
        ["", ""],
        [
            ["4,000 reports read", f"{ours:.1f} ms"],
            ["lxml alone, the same page to plain tuples", f"{lxmls:.1f} ms: {ours / lxmls:.2f} ×"],
            ["a request built and signed", f"{building * 10:.1f} µs"],
        ],
    )


def control() -> str:
    """What the control address costs beside a Flask view that answers JSON."""
    rows = [[name, f"{milliseconds:.2f} ms"] for name, milliseconds in control_figures().items()]
    return table(["in process, of the processor", ""], rows)


@click.command()
@click.option("--rounds", default=5, help="Interleaved rounds; the figures are medians.")
@click.option("--seconds", default=2.0, help="Length of each measurement.")
@click.option(
    "--only", multiple=True, help="A part: requests, waits, stores, peers, sizes, growth, start, client. Repeatable."
)
def bench(rounds: int, seconds: float, only: tuple[str, ...]) -> None:
    """Measure, side by side in one run. The whole of it is kept in benchmarks/results.md."""
    said: list[str] = []

    def say(text: str) -> None:
        click.echo(f"{text}\n")
        said.append(text)
        if not only:
            RESULTS.write_text("\n\n".join(said) + "\n", "utf-8")

    def requests() -> None:
        kept, closing = throughput.targets_side_by_side(rounds, seconds)
        how = _HOW.format(rounds=rounds, seconds=seconds, connections=load.CONNECTIONS)
        say(f"## A send beside the least that others do\n\n{how}\n\n{kept}")
        say(f"### A connection for each request\n\n{closing}")

    parts: dict[str, Callable[[], None]] = {
        "requests": requests,
        "waits": lambda: say(f"## At half of the full rate\n\n{throughput.latency_at_half_load(rounds, seconds * 2)}"),
        "stores": lambda: say(f"## Stores\n\n{_STORES}\n\n{throughput.stores(rounds, seconds)}"),
        "peers": lambda: say(f"## Peers, each on one core\n\n{throughput.peers(rounds, seconds)}"),
        "sizes": lambda: say(f"## Large requests, long queues\n\n{sizes()}"),
        "growth": lambda: say(f"## As the work grows\n\n{_GROWTH}\n\n{growth()}"),
        "control": lambda: say(f"## Control\n\n{control()}"),
        "start": lambda: say(f"## Start\n\n{starts(rounds)}"),
        "client": lambda: say(f"## Client\n\n{client(rounds)}"),
    }
    say(f"# Measurements\n\nMade by `make bench`, after `make bench-deps`, and not by hand: {machine()}.")
    for name, part in parts.items():
        if not only or name in only:
            part()


_HOW: Final = """\
POST over {connections} kept connections, the server on one core and the load on another; medians of {rounds}
interleaved rounds of {seconds:g} s, with the least and the most. "In our server" is beside the vendor's pages, as
`serve` runs any WSGI application; "granian's WSGI" is granian's own command with two threads."""


_STORES: Final = """\
As `make run` has them. Two emulators, a Valkey and the load want more than two cores: whether two do more than one
shows where each has a part."""


_GROWTH: Final = """\
One request at a time, in process, medians; [docs/costs.svg](../docs/costs.svg) is the same as a picture."""


bench()
