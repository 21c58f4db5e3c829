"""An open console without a browser: it hears what happens, and asks for what of the page changes, again and again.

Here belongs the browser's part of it. It is a process of its own, so that it shares no interpreter with what it
looks at: `python -m benchmarks.console_load PORT` says `looking` once the stream is open.
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
    """Look at the messages until closed. Raises LeftOut where there is no stream."""
    process = subprocess.Popen([sys.executable, "-m", __name__, str(port)], stdout=subprocess.PIPE, text=True)
    if process.stdout is None or process.stdout.readline() != "looking\n":
        process.wait()
        raise Skipped("this version has no console")
    return _until_closed(process)


@contextmanager
def _until_closed(process: subprocess.Popen[str]) -> Iterator[object]:
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def look(port: int) -> None:
    """Look until ended, or until the server is."""
    events, page = (http.client.HTTPConnection("127.0.0.1", port) for _ in range(2))
    events.request("GET", LIVE)
    stream = events.getresponse()
    if stream.status != http.client.OK:
        sys.exit(1)
    print("looking", flush=True)
    seen = ""
    while line := stream.readline():
        if line.startswith(b"data: "):
            page.request("GET", PAGE, headers={"HX-Request": "true", "HX-Target": "live", "X-Seen": seen})
            body = page.getresponse().read().decode()
            seen = next(iter(_SEEN.findall(body)), seen)


if __name__ == "__main__":
    with suppress(ConnectionError, http.client.HTTPException):  # the server has ended first
        look(int(sys.argv[1]))
