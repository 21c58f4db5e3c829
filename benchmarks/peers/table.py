"""Competing tools: version, start command, and the part of a send that each performs.

`python -m benchmarks.peers --install` installs them from npm and PyPI into their own directory.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import Final, NamedTuple

from benchmarks.load import Request
from benchmarks.requests import SEND
from support.http_client import free_port

HERE: Final = Path(__file__).parent
INSTALLED: Final = Path(os.environ.get("PEERS", HERE / "installed"))
"""Directory in which the peers are installed."""


class StartCommand(NamedTuple):
    """Command that starts a peer, and additional environment variables."""

    command: list[str]
    environment: Mapping[str, str] = {}


class Competitor(NamedTuple):
    """A competing tool. `work` describes the part of a send that it performs.

    `command` returns the start command for a port, or None if the tool is not installed.
    """

    name: str
    version: str
    work: str
    command: Callable[[int], StartCommand | None]
    request: Request = SEND


NPM: Final = {"mountebank": "2.9.1", "@stoplight/prism-cli": "5.14.2", "@mockoon/cli": "9.9.0", "wiremock": "3.13.2"}
"""Versions by npm package. The package of WireMock contains the Java archive."""

PYPI: Final = {"pytest-httpserver": "1.2.0", "moto[server]": "5.2.5"}

_ALL: Final = "form, MD5, balance, reports, XML"


def _node(module: str, *arguments: str) -> list[str] | None:
    node, file = shutil.which("node"), INSTALLED / "node_modules" / module
    return [node, str(file), *arguments] if node and file.exists() else None


def _python(*arguments: str) -> list[str] | None:
    python = INSTALLED / "python" / "bin" / "python"
    return [str(python), *arguments] if python.exists() else None


def _build_start(command: list[str] | None, **environment: str) -> StartCommand | None:
    return None if command is None else StartCommand(command, environment)


def _node_server(port: int) -> StartCommand | None:
    node = shutil.which("node")
    return StartCommand([node, str(HERE / "send.js"), str(port)]) if node else None


def _mountebank(port: int, *options: str, records: bool) -> StartCommand | None:
    options = (*options, "--allowInjection", "--localOnly", "--port", str(free_port()))
    command = _node("mountebank/bin/mb", "start", *options, "--configfile", str(HERE / "mountebank.json"))
    environment = {"PEER_PORT": str(port), "PEER_SEND": str(HERE / "send.js"), "PEER_RECORDS": str(records).lower()}
    return _build_start(command, **environment)


def _mountebank_without_log(port: int) -> StartCommand | None:
    return _mountebank(port, "--nologfile", "--loglevel", "error", records=False)


def _mountebank_with_log(port: int) -> StartCommand | None:
    """Mountebank with its defaults: it logs and records requests. The log file is in the temporary directory."""
    return _mountebank(port, "--logfile", str(Path(gettempdir()) / "mountebank.log"), records=True)


def _prism(port: int) -> StartCommand | None:
    options = ("mock", "-h", "127.0.0.1", "-p", str(port), "-v", "unreported")
    return _build_start(_node("@stoplight/prism-cli/dist/index.js", *options, str(HERE / "openapi.yaml")))


def _mockoon(port: int) -> StartCommand | None:
    options = ("start", "--hostname", "127.0.0.1", "--port", str(port), "--disable-log-to-file", "--data")
    return _build_start(_node("@mockoon/cli/bin/run.js", *options, str(HERE / "mockoon.json")))


def _wiremock(port: int) -> StartCommand | None:
    java = shutil.which("java")
    archives = sorted((INSTALLED / "node_modules" / "wiremock" / "build").glob("wiremock-standalone-*.jar"))
    if java is None or not archives:
        return None
    options = ["--bind-address", "127.0.0.1", "--port", str(port), "--no-request-journal", "--disable-banner"]
    return StartCommand([java, "-jar", str(archives[-1]), *options, "--root-dir", str(INSTALLED / "wiremock")])


def _pytest_httpserver(port: int) -> StartCommand | None:
    return _build_start(_python(str(HERE / "by_pytest_httpserver.py"), str(port)))


def _moto(port: int) -> StartCommand | None:
    return _build_start(_python("-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)))


_SNS: Final = Request(
    "/",
    "Action=Publish&Version=2010-03-31&PhoneNumber=%2B8615023239810&Message=%E5%86%85%E5%AE%B9",
    (("Authorization", "AWS4-HMAC-SHA256 Credential=x/20120701/us-east-1/sns/aws4_request, SignedHeaders=host"),),
)

PEERS: Final = (
    Competitor("a hand-written server in Node", "", _ALL, _node_server),
    Competitor("mountebank", NPM["mountebank"], f"{_ALL}, as an injected function", _mountebank_without_log),
    Competitor(
        "mountebank",
        NPM["mountebank"],
        "the same, with requests recorded and logged, like the emulator",
        _mountebank_with_log,
    ),
    Competitor("WireMock", NPM["wiremock"], "form, format of sign, XML from a template", _wiremock),
    Competitor("Prism", NPM["@stoplight/prism-cli"], "form validated, XML from an example", _prism),
    Competitor("pytest-httpserver", PYPI["pytest-httpserver"], f"{_ALL}, as a handler", _pytest_httpserver),
    Competitor("Mockoon", NPM["@mockoon/cli"], "form, format of sign, balance, XML from a template", _mockoon),
    Competitor("moto, SNS", PYPI["moto[server]"], "form, message stored per number, XML", _moto, _SNS),
)
