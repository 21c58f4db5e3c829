"""An open console without a browser: it hears what happens, and asks for what of the page changes, again and again.

Here belongs what a browser does to a server. It is a process of its own: `python -m benchmarks.viewer PORT`.
"""

import http.client
import re
import sys


def look(port: int) -> None:
    """Look at the messages until ended."""
    events = http.client.HTTPConnection("127.0.0.1", port)
    events.request("GET", "/live")
    stream = events.getresponse()
    page = http.client.HTTPConnection("127.0.0.1", port)
    seen = ""
    while line := stream.readline():
        if line.startswith(b"data: "):
            headers = {"HX-Request": "true", "HX-Target": "live", "X-Seen": seen}
            page.request("GET", "/", headers=headers)
            body = page.getresponse().read().decode()
            seen = next(iter(re.findall(r'"X-Seen": "(\w+)"', body)), seen)


if __name__ == "__main__":
    look(int(sys.argv[1]))
