"""`make bench`: throughput, start and memory, each beside something to compare it with, in interleaved rounds.

Here belong the rounds and the tables. Figures of shared machines wander: read the ratios.
"""

import json
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack

import click

from benchmarks.client import build_and_sign, medians, read_by_lxml, read_by_the_client
from benchmarks.contenders import CONTENDERS
from benchmarks.control import control_figures
from benchmarks.memory import resident


def started(*arguments: str) -> tuple[subprocess.Popen[str], int, float]:
    """Start a server; its process, its port, and the seconds until it said that it listens."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    line = process.stdout.readline() if process.stdout else ""
    return process, int(line.rpartition(":")[2]), time.perf_counter() - begun


def throughput(rounds: int, seconds: float, connections: int) -> dict[str, float]:
    """The median answers a second of each contender."""
    figures: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with ExitStack() as stack:
        ports = {}
        for name in CONTENDERS:
            process, ports[name], _ = started("benchmarks.contenders", name)
            stack.callback(process.terminate)
        time.sleep(1.0)  # granian's own server says that it listens before its worker does
        for _ in range(rounds):
            for name, (path, form, _) in CONTENDERS.items():
                head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                request = f"{head}Content-Length: {len(form)}\r\n\r\n{form}".encode()
                arguments = ["benchmarks.load", str(ports[name]), str(connections), str(seconds)]
                ended = subprocess.run(
                    [sys.executable, "-m", *arguments], input=request, capture_output=True, check=True
                )
                figures[name].append(json.loads(ended.stdout)["per_second"])
    return {name: statistics.median(some) for name, some in figures.items()}


def starts(rounds: int) -> tuple[float, float, float]:
    """Medians: seconds until `listening`, seconds that `import flask` alone takes, and idle resident mebibytes."""
    seconds, imports, memory = [], [], []
    for _ in range(rounds):
        process, _, until_ready = started("sms10692_mock", "serve", "--port", "0")
        seconds.append(until_ready)
        memory.append(resident(process.pid))
        process.terminate()
        process.wait()
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import flask"], check=True)
        imports.append(time.perf_counter() - begun)
    return statistics.median(seconds), statistics.median(imports), statistics.median(memory)


@click.command()
@click.option("--rounds", default=5, help="Interleaved rounds; the figures are medians.")
@click.option("--seconds", default=2.0, help="Length of each measurement.")
@click.option("--connections", default=16, help="Kept connections.")
def bench(rounds: int, seconds: float, connections: int) -> None:
    """Measure, side by side in one run."""
    per_second = throughput(rounds, seconds, connections)
    name_of_send, *_ = per_second
    send = per_second[name_of_send]
    click.echo(f"POST over {connections} kept connections, medians of {rounds} rounds of {seconds:g} s\n")
    click.echo(f"| | requests/s | {name_of_send}, is |\n|---|---:|---:|")
    for name, figure in per_second.items():
        click.echo(f"| {name} | {figure:,.0f} | {send / figure:.2f} × |")
    click.echo(
        "\nFlask and WSGI beside the pages run on threads, reached through the same server; granian's own do not."
    )
    ready, flask, memory = starts(rounds)
    click.echo("\n| | |\n|---|---:|")
    click.echo(f"| from the start to `listening` | {ready:.2f} s |")
    click.echo(f"| `python -c 'import flask'`, for comparison | {flask:.2f} s |")
    click.echo(f"| resident memory, idle | {memory:.0f} MiB |")
    for name, milliseconds in control_figures().items():
        click.echo(f"| in process: {name} | {milliseconds:.2f} ms |")
    ours, lxmls, building = medians(rounds * 4, read_by_the_client, read_by_lxml, build_and_sign)
    click.echo(f"| client: 4,000 reports read | {ours:.1f} ms |")
    click.echo(f"| lxml alone, the same page to plain tuples | {lxmls:.1f} ms: {ours / lxmls:.2f} × |")
    click.echo(f"| client: a request built and signed | {building * 10:.1f} µs |")


bench()
