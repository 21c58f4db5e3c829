"""An open console: somebody who watches, and is told what happens as it happens.

Here belongs the browser's part of it.
"""

import http.client
import threading
from contextlib import AbstractContextManager, closing
from typing import Final

from benchmarks.stores import LeftOut

LIVE: Final = "/live"


def open_console(port: int) -> AbstractContextManager[object]:
    """Open the stream of events, and read it until closed. Raises LeftOut where there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", LIVE)
    answer = connection.getresponse()
    if answer.status != http.client.OK or not answer.headers.get_content_type().endswith("event-stream"):
        connection.close()
        raise LeftOut("this version has no console")

    def read() -> None:
        try:
            while answer.readline():
                pass
        except (OSError, ValueError, AttributeError):  # closed by us
            return

    threading.Thread(target=read, daemon=True).start()
    return closing(connection)
