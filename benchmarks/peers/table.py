"""The peers: which they are, what of a send each of them does, how each is started where it is installed.

Here belong commands and versions. They come from npm and PyPI into a folder of their own: `python -m benchmarks.peers`.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import Final, NamedTuple

from benchmarks.load import Request
from benchmarks.requests import SEND
from benchmarks.servers import free_port

HERE: Final = Path(__file__).parent
INSTALLED: Final = Path(os.environ.get("PEERS", HERE / "installed"))
"""Where they are looked for."""


class Start(NamedTuple):
    """A command, and what is in its environment beside the usual."""

    command: list[str]
    environment: Mapping[str, str] = {}


class Competitor(NamedTuple):
    """`work` says what of a send it does. `command` gives the start on a port, or None where something is missing."""

    name: str
    version: str
    work: str
    command: Callable[[int], Start | None]
    request: Request = SEND


NPM: Final = {"mountebank": "2.9.1", "@stoplight/prism-cli": "5.14.2", "@mockoon/cli": "9.9.0", "wiremock": "3.13.2"}
"""By name, the version. The package of WireMock has the archive for Java in it."""

PYPI: Final = {"pytest-httpserver": "1.2.0", "moto[server]": "5.2.5"}

_ALL: Final = "form, MD5, balance, reports, XML"


def _node(module: str, *arguments: str) -> list[str] | None:
    node, file = shutil.which("node"), INSTALLED / "node_modules" / module
    return [node, str(file), *arguments] if node and file.exists() else None


def _python(*arguments: str) -> list[str] | None:
    python = INSTALLED / "python" / "bin" / "python"
    return [str(python), *arguments] if python.exists() else None


def _started(command: list[str] | None, **environment: str) -> Start | None:
    return None if command is None else Start(command, environment)


def _by_hand(port: int) -> Start | None:
    node = shutil.which("node")
    return Start([node, str(HERE / "send.js"), str(port)]) if node else None


def _mountebank(port: int, *options: str, records: bool) -> Start | None:
    options = (*options, "--allowInjection", "--localOnly", "--port", str(free_port()))
    command = _node("mountebank/bin/mb", "start", *options, "--configfile", str(HERE / "mountebank.json"))
    environment = {"PEER_PORT": str(port), "PEER_SEND": str(HERE / "send.js"), "PEER_RECORDS": str(records).lower()}
    return _started(command, **environment)


def _mountebank_alone(port: int) -> Start | None:
    return _mountebank(port, "--nologfile", "--loglevel", "error", records=False)


def _mountebank_that_tells(port: int) -> Start | None:
    """As it comes, but for the log, which is not left in this folder; and it keeps the requests."""
    return _mountebank(port, "--logfile", str(Path(gettempdir()) / "mountebank.log"), records=True)


def _prism(port: int) -> Start | None:
    options = ("mock", "-h", "127.0.0.1", "-p", str(port), "-v", "silent")
    return _started(_node("@stoplight/prism-cli/dist/index.js", *options, str(HERE / "openapi.yaml")))


def _mockoon(port: int) -> Start | None:
    options = ("start", "--hostname", "127.0.0.1", "--port", str(port), "--disable-log-to-file", "--data")
    return _started(_node("@mockoon/cli/bin/run.js", *options, str(HERE / "mockoon.json")))


def _wiremock(port: int) -> Start | None:
    java = shutil.which("java")
    archives = sorted((INSTALLED / "node_modules" / "wiremock" / "build").glob("wiremock-standalone-*.jar"))
    if java is None or not archives:
        return None
    options = ["--bind-address", "127.0.0.1", "--port", str(port), "--no-request-journal", "--disable-banner"]
    return Start([java, "-jar", str(archives[-1]), *options, "--root-dir", str(INSTALLED / "wiremock")])


def _pytest_httpserver(port: int) -> Start | None:
    return _started(_python(str(HERE / "by_pytest_httpserver.py"), str(port)))


def _moto(port: int) -> Start | None:
    return _started(_python("-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)))


_SNS: Final = Request(
    "/",
    "Action=Publish&Version=2010-03-31&PhoneNumber=%2B8615023239810&Message=%E5%86%85%E5%AE%B9",
    (("Authorization", "AWS4-HMAC-SHA256 Credential=x/20120701/us-east-1/sns/aws4_request, SignedHeaders=host"),),
)

PEERS: Final = (
    Competitor("a server in Node, by hand", "", _ALL, _by_hand),
    Competitor("mountebank", NPM["mountebank"], f"{_ALL}, as an injected function", _mountebank_alone),
    Competitor(
        "mountebank", NPM["mountebank"], "the same, each request kept and logged, as here", _mountebank_that_tells
    ),
    Competitor("WireMock", NPM["wiremock"], "form, the look of sign, XML of a template", _wiremock),
    Competitor("Prism", NPM["@stoplight/prism-cli"], "form checked, XML of an example", _prism),
    Competitor("pytest-httpserver", PYPI["pytest-httpserver"], f"{_ALL}, as a handler", _pytest_httpserver),
    Competitor("Mockoon", NPM["@mockoon/cli"], "form, the look of sign, balance, XML of a template", _mockoon),
    Competitor("moto, SNS", PYPI["moto[server]"], "form, a message to a number kept, XML", _moto, _SNS),
)
