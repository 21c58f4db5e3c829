"""`python -m benchmarks.peers`: what peers there are, and with `--install`, puts them into a folder that git ignores.

Here belongs getting them, by the ordinary clients of their registries. It needs npm, and Java for one of them.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import click

from benchmarks import servers
from benchmarks.peers.table import HERE, INSTALLED, NPM, PEERS, PYPI


@click.command()
@click.option("--install", is_flag=True, help="Fetch them first. The environment's PEERS names another folder.")
def peers(install: bool) -> None:
    """Say which peers are installed."""
    if install:
        _install(INSTALLED)
    for peer in PEERS:
        is_there = peer.command(servers.free_port()) is not None
        click.echo(f"{peer.name} {peer.version}: {'installed' if is_there else 'not installed'}")


def _install(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm")
    if npm is None:
        click.echo("without npm, those that run in Node are left out", err=True)
    else:
        wanted = [f"{name}@{version}" for name, version in NPM.items()]
        subprocess.run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *wanted], check=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "python")], check=True)
    pip = [str(folder / "python" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *(f"{name}=={version}" for name, version in PYPI.items())], check=True)
    shutil.copytree(HERE / "wiremock", folder / "wiremock", dirs_exist_ok=True)


peers()
