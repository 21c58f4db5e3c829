"""`python -m benchmarks.peers`: list the competing tools; `--install` downloads them to a directory that git ignores.

The tools come from npm and PyPI. WireMock also requires Java.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import click

from benchmarks.peers.table import HERE, INSTALLED, NPM, PEERS, PYPI
from support.http_client import free_port


@click.command()
@click.option(
    "--install", is_flag=True, help="Install them first. The environment variable PEERS sets another directory."
)
def peers(install: bool) -> None:
    """List the peers and whether each is installed."""
    if install:
        _install(INSTALLED)
    for peer in PEERS:
        is_installed = peer.command(free_port()) is not None
        click.echo(f"{peer.name} {peer.version}: {'installed' if is_installed else 'not installed'}")


def _install(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm")
    if npm is None:
        click.echo("npm is not installed: peers that run in Node are skipped", err=True)
    else:
        packages = [f"{name}@{version}" for name, version in NPM.items()]
        subprocess.run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(directory), *packages], check=True)
    subprocess.run([sys.executable, "-m", "venv", str(directory / "python")], check=True)
    pip = [str(directory / "python" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *(f"{name}=={version}" for name, version in PYPI.items())], check=True)
    shutil.copytree(HERE / "wiremock", directory / "wiremock", dirs_exist_ok=True)


peers()
