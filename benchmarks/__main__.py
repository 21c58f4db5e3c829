"""Command of `make bench`: run all benchmarks, print the results, and write them to `results.md`.

Absolute figures vary on shared machines: compare the ratios.
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
from benchmarks.admin_api import measure_admin_api
from benchmarks.client import build_and_sign, measure_medians, parse_with_client, parse_with_lxml
from benchmarks.console_scale import measure_console
from benchmarks.payload_size import measure_payload_sizes
from benchmarks.sampling import format_table
from benchmarks.scaling import measure_scaling

RESULTS: Final = Path(__file__).parent / "results.md"


def describe_machine() -> str:
    """Return a sentence on the machine, the versions and the load generator."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    versions = [f"{name} {metadata.version(name)}" for name in ("granian", "Flask", "lxml")]
    node = shutil.which("node")
    if node:
        result = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
        versions.append(f"Node {result.stdout.strip()}")
    return ", ".join(
        [
            f"{datetime.now(UTC):%Y-%m-%d}",
            f"{platform.system()} {platform.machine()}",
            f"{os.cpu_count()} cores ({processor or 'unknown'})",
            f"Python {platform.python_version()}",
            *versions,
            *([f"load generator: {load.wrk_version()}, and our own for fixed rates"] if shutil.which("wrk") else []),
            *([f"load average at the start: {os.getloadavg()[0]:.1f}"] if hasattr(os, "getloadavg") else []),
        ]
    )


def measure_startup(rounds: int) -> str:
    """Measure the start-up time, compared with importing Flask, and the memory of an idle emulator."""
    seconds, imports, memory = [], [], []
    for _ in range(rounds):
        server = servers.start_emulator("sms10692_mock", "serve", "--port", "0", core=None)
        seconds.append(server.startup_seconds)
        memory.append(server.rss_mib())
        servers.stop(server)
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import flask"], check=True)
        imports.append(time.perf_counter() - started)
    return format_table(
        ["", ""],
        [
            ["from the start to `listening`", f"{statistics.median(seconds):.2f} s"],
            ["`python -c 'import flask'`, for comparison", f"{statistics.median(imports):.2f} s"],
            ["resident memory, idle", f"{statistics.median(memory):.0f} MiB"],
        ],
    )


def measure_client(rounds: int) -> str:
    """Measure the client: parsing a response with 4,000 reports, and building a request."""
    client, lxml, build = measure_medians(rounds * 4, parse_with_client, parse_with_lxml, build_and_sign)
    return format_table(
        ["", ""],
        [
            ["4,000 reports parsed", f"{client:.1f} ms"],
            ["lxml alone, the same response to plain tuples", f"{lxml:.1f} ms: {client / lxml:.2f} ×"],
            ["a request built and signed", f"{build * 10:.1f} µs"],
        ],
    )


def measure_control_api() -> str:
    """Measure the control API, compared with a Flask view that returns JSON."""
    rows = [[name, f"{milliseconds:.2f} ms"] for name, milliseconds in measure_admin_api().items()]
    return format_table(["CPU time, in process", ""], rows)


_THROUGHPUT: Final = """\
POST over {connections} keep-alive connections, server and load generator on one core each; medians of {rounds}
interleaved rounds of {seconds:g} s, with minimum and maximum. "In our server": as the fallback WSGI application of
`serve`. "granian's WSGI": granian's own command with two threads."""


_STORES: Final = """\
Configured as by `make run`. Two emulators, a Valkey server and the load generator need more than two cores: rows with a
CPU quota show whether two emulators handle more than one."""


_SCALING: Final = """\
One request at a time, in process, medians; [docs/costs.svg](../docs/costs.svg) is the chart of these figures."""


_CONSOLE: Final = """\
Medians with minimum and maximum; browser, sender and emulator share the cores. `python -m benchmarks.console_scale
--messages 1000 --accounts 10` shows what depends on the number of messages."""


def _measure_throughput(rounds: int, seconds: float) -> list[str]:
    keep_alive, closing = throughput.compare_targets(rounds, seconds)
    description = _THROUGHPUT.format(rounds=rounds, seconds=seconds, connections=load.CONNECTIONS)
    return [
        f"## A send, compared with minimal applications\n\n{description}\n\n{keep_alive}",
        f"### A new connection per request\n\n{closing}",
    ]


_PARTS: Final[dict[str, Callable[[int, float], list[str]]]] = {
    "throughput": _measure_throughput,
    "latency": lambda rounds, seconds: [
        f"## Latency at half of the maximum throughput\n\n{throughput.latency_at_half_load(rounds, seconds * 2)}"
    ],
    "stores": lambda rounds, seconds: [f"## Stores\n\n{_STORES}\n\n{throughput.measure_stores(rounds, seconds)}"],
    "peers": lambda rounds, seconds: [f"## Peers, each on one core\n\n{throughput.measure_peers(rounds, seconds)}"],
    "payload-size": lambda rounds, seconds: [f"## Large requests, long queues\n\n{measure_payload_sizes()}"],
    "scaling": lambda rounds, seconds: [f"## Scaling\n\n{_SCALING}\n\n{measure_scaling()}"],
    "control-api": lambda rounds, seconds: [f"## Control API\n\n{measure_control_api()}"],
    "console": lambda rounds, seconds: [
        f"## Console in a browser\n\n{_CONSOLE}\n\n{measure_console(100_000, 1000, rounds)}"
    ],
    "startup": lambda rounds, seconds: [f"## Start\n\n{measure_startup(rounds)}"],
    "client": lambda rounds, seconds: [f"## Client\n\n{measure_client(rounds)}"],
}
"""Returns the sections of a part of the results, by name."""


@click.command()
@click.option("--rounds", default=5, help="Number of interleaved rounds; results are medians.")
@click.option("--seconds", default=2.0, help="Length of each measurement.")
@click.option("--only", type=click.Choice(list(_PARTS)), multiple=True, help="Run only this part. Repeatable.")
def bench(rounds: int, seconds: float, only: tuple[str, ...]) -> None:
    """Run the benchmarks. A complete run is written to benchmarks/results.md."""
    sections: list[str] = []

    def report(text: str) -> None:
        click.echo(f"{text}\n")
        sections.append(text)
        if not only:
            RESULTS.write_text("\n\n".join(sections) + "\n", "utf-8")

    report(f"# Measurements\n\nGenerated by `make bench` after `make bench-deps`: {describe_machine()}.")
    for name in only or _PARTS:
        for section in _PARTS[name](rounds, seconds):
            report(section)


bench()
