"""The client beside a storm: it does all right, and its waits are measured. `python -m stress.probe` is its process.

Here belongs one client that shares no interpreter with the others, so that what it waits for is the emulator. On
standard input it gets its account as JSON in one line, and an end; it prints what it saw.
"""

import http.client
import json
import re
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any, Final

from stress.connections import form
from stress.oracle import Item
from support.emulators import STATUS, UTF8

KINDS: Final = ("send", "status", "refused")

_PAUSE: Final = 0.01


@dataclass
class ProbeResult:
    """Waits in milliseconds, by kind of request; what was acknowledged and fetched; what went wrong."""

    waits: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    acknowledged: dict[str, int] = field(default_factory=dict)
    fetched: list[list[Item]] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)


def client(host: str, port: int, account: dict[str, Any], end: threading.Event) -> ProbeResult:
    """Send, fetch, be refused, in turn, until the end."""
    seen, connection = ProbeResult(), http.client.HTTPConnection(host, port, timeout=30)

    def told(kind: str, raw: bytes) -> str:
        path, body = raw.split(b" ", 2)[1].decode(), raw.partition(b"\r\n\r\n")[2]
        begun = time.perf_counter()
        connection.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        response = connection.getresponse()
        text = response.read().decode()
        seen.waits[kind].append((time.perf_counter() - begun) * 1000)
        return text

    wrong = form(account | {"password": "wrong"}, UTF8, action="send")
    for number in count():
        mobile = f"150{number:08}"
        sent = re.search(
            "<taskID>([1-9][0-9]*)<", told("send", form(account, UTF8, action="send", mobile=mobile, content="内容"))
        )
        time.sleep(_PAUSE)
        boxes = re.findall(
            r"<mobile>([0-9]+)</mobile>\s*<taskid>([0-9]+)<", told("status", form(account, STATUS, action="query"))
        )
        time.sleep(_PAUSE)
        if "用户名或密码错误" not in told("refused", wrong):
            seen.wrongs.append(f"a wrong signature was right in round {number}")
        if sent is None:
            seen.wrongs.append(f"a right send was refused in round {number}")
        else:
            seen.acknowledged[mobile] = int(sent[1])
        seen.fetched.append([(int(task), mobile) for mobile, task in boxes])
        if end.wait(_PAUSE):
            break
    connection.close()
    return seen


def main() -> None:
    """Until standard input ends."""
    host, port = sys.argv[1], int(sys.argv[2])
    account, end = json.loads(sys.stdin.readline()), threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        end.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    sys.stdout.write(json.dumps(asdict(client(host, port, account, end))))


if __name__ == "__main__":
    main()
