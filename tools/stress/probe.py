"""Latency probe: one correct client in its own process, `python -m stress.probe HOST PORT`.

The process of its own makes sure that the probe measures the emulator, and not the other clients' interpreter. The
probe reads its account as one line of JSON from standard input, runs until standard input ends, and prints its
`ProbeResult` as JSON.
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

from stress.oracle import Item
from support.emulators import STATUS, UTF8, build_form_request

KINDS: Final = ("send", "status", "refused")

_PAUSE: Final = 0.01


@dataclass
class ProbeResult:
    """Latencies in milliseconds by kind of request; acknowledged and fetched items; failures."""

    latencies: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    acknowledged: dict[str, int] = field(default_factory=dict)
    fetched: list[list[Item]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def run_probe(host: str, port: int, account: dict[str, Any], stop: threading.Event) -> ProbeResult:
    """Send, fetch reports, and send with a wrong password, in turn, until `stop` is set."""
    result, connection = ProbeResult(), http.client.HTTPConnection(host, port, timeout=30)

    def post(kind: str, raw: bytes) -> str:
        path, body = raw.split(b" ", 2)[1].decode(), raw.partition(b"\r\n\r\n")[2]
        started = time.perf_counter()
        connection.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        response = connection.getresponse()
        text = response.read().decode()
        result.latencies[kind].append((time.perf_counter() - started) * 1000)
        return text

    wrong_password = build_form_request(account | {"password": "wrong"}, UTF8, action="send")
    for number in count():
        mobile = f"150{number:08}"
        sent = re.search(
            "<taskID>([1-9][0-9]*)<",
            post("send", build_form_request(account, UTF8, action="send", mobile=mobile, content="内容")),
        )
        time.sleep(_PAUSE)
        items = re.findall(
            r"<mobile>([0-9]+)</mobile>\s*<taskid>([0-9]+)<",
            post("status", build_form_request(account, STATUS, action="query")),
        )
        time.sleep(_PAUSE)
        if "用户名或密码错误" not in post("refused", wrong_password):
            result.failures.append(f"round {number}: a send with a wrong signature was accepted")
        if sent is None:
            result.failures.append(f"round {number}: a correct send was refused")
        else:
            result.acknowledged[mobile] = int(sent[1])
        result.fetched.append([(int(task), mobile) for mobile, task in items])
        if stop.wait(_PAUSE):
            break
    connection.close()
    return result


def main() -> None:
    """Run the probe until standard input ends."""
    host, port = sys.argv[1], int(sys.argv[2])
    account, stop = json.loads(sys.stdin.readline()), threading.Event()

    def wait_for_end_of_input() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_end_of_input, daemon=True).start()
    sys.stdout.write(json.dumps(asdict(run_probe(host, port, account, stop))))


if __name__ == "__main__":
    main()
