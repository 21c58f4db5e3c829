"""`make crash`: kills an emulator fifty times, and prints what came of it as a row of `docs/reliability.md`."""

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from crashing.killing import examined, killed


@click.command()
@click.option("--times", default=50, help="How often it is killed.")
@click.option("--seed", type=int, default=None, help="Of the moments at which it is killed.")
@click.option("--durable", is_flag=True, help="With --durable.")
def crash(times: int, seed: int | None, durable: bool) -> None:
    """Kill an emulator that keeps what happens in a file, and look what is left."""
    seed = random.randrange(10**6) if seed is None else seed  # noqa: S311 - it is printed
    with TemporaryDirectory() as folder:
        store = f"sqlite:{Path(folder) / 'store'}"
        memory, _ = killed(store, times, seed, *(["--durable"] if durable else []))
        try:
            figures = examined(store, memory, times)
        except AssertionError as error:
            click.echo(f"--seed {seed}: {error}", err=True)
            sys.exit(1)
    click.echo("| store | kills | sends answered | unanswered, of these accepted | reports seen | handed out unseen |")
    click.echo("|---|---:|---:|---:|---:|---:|")
    click.echo(
        f"| sqlite{', durable' if durable else ''} | {figures.kills} | {figures.acknowledged:,} | "
        f"{figures.unanswered_sends:,}, {figures.unanswered_but_accepted:,} | {figures.reports:,} | "
        f"{figures.handed_out_unseen:,} in {figures.fetches_unseen} of {figures.unanswered_fetches} lost answers |"
    )


crash()
