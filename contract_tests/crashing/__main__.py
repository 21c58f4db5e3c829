"""`make crash`: many kills of each kind, and what came of them as the rows of `docs/reliability.md`.

Here belongs how the balance is told.
"""

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from crashing.ledgers import Balance
from crashing.rounds import SCENES, crash
from valkey_servers import THERE_ARE_SERVERS


@click.command()
@click.option("--times", default=50, help="How often each is killed.")
@click.option("--seed", type=int, default=None, help="Of the moments at which something is killed.")
def main(times: int, seed: int | None) -> None:
    """Kill an emulator, or what it keeps everything on, at work, and look what is left."""
    seed = random.randrange(10**6) if seed is None else seed
    click.echo("| killed | " + " | ".join(name.replace("_", " ") for name in Balance._fields) + " |")
    click.echo("|---|" + "---:|" * len(Balance._fields))
    for name, scene in SCENES.items():
        if "Valkey" in name and not THERE_ARE_SERVERS:
            continue
        with TemporaryDirectory() as folder:
            try:
                figures = crash(scene(Path(folder)), times, random.Random(seed))
            except AssertionError as error:
                click.echo(f"{name}, --seed {seed}: {error}", err=True)
                sys.exit(1)
        click.echo(f"| {name} | " + " | ".join(f"{figure:,}" for figure in figures) + " |")


main()
