"""Load of an open console page without a browser: listen to the event stream and reload the changed part.

It runs in its own process, so that it does not share an interpreter with the server:
`python -m benchmarks.console_load PORT` prints `watching` once the stream is open.
"""

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Final

from benchmarks.stores import Skipped

LIVE: Final = "/live"
PAGE: Final = "/"
_SEEN: Final = re.compile(r'"X-Seen": "(\w+)"')


def open_console(port: int) -> AbstractContextManager[object]:
    """Start a process that watches the messages until the context exits. Raises Skipped without an event stream."""
    process = subprocess.Popen([sys.executable, "-m", __name__, str(port)], stdout=subprocess.PIPE, text=True)
    if process.stdout is None or process.stdout.readline() != "watching\n":
        process.wait()
        raise Skipped("this version has no console")
    return _terminate_on_exit(process)


@contextmanager
def _terminate_on_exit(process: subprocess.Popen[str]) -> Iterator[object]:
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def watch(port: int) -> None:
    """Reload the page at every event, until this process or the server ends."""
    events, page = (http.client.HTTPConnection("127.0.0.1", port) for _ in range(2))
    events.request("GET", LIVE)
    stream = events.getresponse()
    if stream.status != http.client.OK:
        sys.exit(1)
    print("watching", flush=True)
    seen = ""
    while line := stream.readline():
        if line.startswith(b"data: "):
            page.request("GET", PAGE, headers={"HX-Request": "true", "HX-Target": "live", "X-Seen": seen})
            body = page.getresponse().read().decode()
            seen = next(iter(_SEEN.findall(body)), seen)


if __name__ == "__main__":
    with suppress(ConnectionError, http.client.HTTPException):  # the server stopped first
        watch(int(sys.argv[1]))
