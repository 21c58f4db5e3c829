"""Benchmark of the console in a browser, with many messages, requests and accounts: a part of `make bench`.

`--messages 1000 --accounts 10` shows what depends on their number: compare two runs. The emulator, the sender and the
browser share the cores of the machine, so times include waiting for a core; CPU times of the emulator do not.
"""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import click
from playwright.sync_api import CDPSession, Page

from benchmarks import servers
from benchmarks.sampling import format_table, summarize
from sms10692 import signing
from support.browser import BROWSER_PROFILES, browser_page, chromium

_ROW: Final = ".list tbody th a"
_USERID: Final = "12"
_SHARE: Final = 0.9
"""Share of the messages that the account shown has sent; the other accounts have sent the rest."""

_BATCH: Final = 100
"""Messages that are sent before their responses are read, while the emulator is filled."""

_RATE: Final = 10.0
"""Messages per second while live updates are measured."""

_WAIT_LIMIT: Final = 120_000
"""Milliseconds until a condition that does not become true fails the benchmark."""

_LIVE: Final = "document.getElementById('pause').dataset.state === 'live'"

_WATCH: Final = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
}).observe({ type: "longtask", buffered: true });
"""
"""Script of each page: the longest task of the main thread. Browsers report tasks of 50 ms and more."""


class Sender:
    """Sends messages of accounts over one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._timestamp = signing.format_timestamp(datetime.now(signing.CHINA))
        self._signs: dict[str, str] = {}
        self.sent = 0

    def control(self, method: str, path: str, body: str = "{}") -> None:
        """Send a request to the control API, which must succeed."""
        self._connection.request(method, f"/_mock/{path}", body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        text = response.read()
        if response.status not in {http.client.OK, http.client.CREATED}:
            raise RuntimeError(text.decode())

    def send(self, userid: str, content: str) -> None:
        """Send one message to a number of its own."""
        self.send_many([(userid, content)])

    def send_many(self, messages: Sequence[tuple[str, str]]) -> None:
        """Send messages of these userids with these texts, a request each, and wait for the responses."""
        self._socket.sendall(b"".join(self._request(userid, content) for userid, content in messages))
        received = b""
        while received.count(b"</returnsms>") < len(messages):
            received += self._socket.recv(1 << 20)
        if received.count(b"<message>ok</message>") != len(messages):
            raise RuntimeError(f"one of the messages up to {self.sent} was refused")

    def _request(self, userid: str, content: str) -> bytes:
        account, password = ("test", "mima") if userid == _USERID else (userid, "secret")
        if userid not in self._signs:
            self._signs[userid] = signing.sign(account, password, self._timestamp)
        self.sent += 1
        fields = {"action": "send", "userid": userid, "timestamp": self._timestamp, "sign": self._signs[userid]}
        form = urlencode(fields | {"mobile": f"138{self.sent:08}", "content": content})
        head = "POST /v2sms.aspx HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        return f"{head}Content-Length: {len(form)}\r\n\r\n{form}".encode()


def fill(sender: Sender, messages: int, accounts: int) -> None:
    """Create the accounts and send the messages."""
    userids = [f"t{number}" for number in range(accounts - 1)]
    for userid in userids:
        sender.control("POST", "accounts", f'{{"userid": "{userid}", "account": "{userid}", "password": "secret"}}')
    sender.control("PATCH", f"accounts/{_USERID}", f'{{"points": {2 * messages}}}')
    own = int(messages * _SHARE) if userids else messages
    senders = [
        _USERID if number * own // messages != (number + 1) * own // messages else userids[number % len(userids)]
        for number in range(messages)
    ]
    texts = [(userid, f"【签名】第{number}条，验证码{number:06}") for number, userid in enumerate(senders)]
    for first in range(0, messages, _BATCH):
        sender.send_many(texts[first : first + _BATCH])


@contextmanager
def sending(port: int) -> Iterator[Sender]:
    """Send `_RATE` messages per second on another thread until the context exits."""
    sender, stopped = Sender(port), threading.Event()

    def run() -> None:
        started = time.perf_counter()
        while not stopped.wait(max(0.0, started + sender.sent / _RATE - time.perf_counter())):
            sender.send(_USERID, "live")

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield sender
    finally:
        stopped.set()
        thread.join()


def wait_until(page: Page, condition: str) -> None:
    """Wait until an expression of JavaScript is true. The pages forbid the `eval` of Playwright's own function.

    Raises `playwright.sync_api.Error` that names the condition after two minutes.
    """
    page.evaluate(
        "([late, limit]) => new Promise((done, fail) => {"
        f"  const end = Date.now() + limit, look = () => ({condition}) ? done()"
        "    : Date.now() > end ? fail(new Error(late + location.href)) : requestAnimationFrame(look);"
        "  look();"
        "})",
        [f"{condition} did not become true at ", _WAIT_LIMIT],
    )


def measure_until(page: Page, condition: str, act: Callable[[], object]) -> float:
    """Return the milliseconds from an action until the condition, an expression of JavaScript, holds on the page."""
    started = time.perf_counter()
    act()
    wait_until(page, condition)
    return (time.perf_counter() - started) * 1000


def measure_list(page: Page, session: CDPSession, path: str, server: servers.Server, rounds: int) -> list[list[str]]:
    """Measure the list at this path: rows of the result."""
    first, matching, missing, older, arrival = (list[float]() for _ in range(5))
    received = [0.0]
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    rows = f"document.querySelectorAll({_ROW!r}).length"
    sender = Sender(server.port)
    is_messages = path == "/"
    for number in range(rounds):
        del received[:]
        first.append(measure_until(page, f"{rows} > 0", lambda: page.goto(path, wait_until="commit")))
        page.wait_for_load_state("load")
        page_bytes = sum(received)
        wait_until(page, _LIVE)
        for times, text in ((matching, "第7条"), (missing, "nothing has this text")):
            field = page.locator("#by-text")
            expected = f"{rows} {'> 0' if times is matching else '=== 0'} && location.search.includes('text=')"
            times.append(measure_until(page, expected, partial(field.fill, text)))
        page.goto(path)
        wait_until(page, _LIVE)
        newest = page.locator(_ROW).first.get_attribute("id")
        arrival.append(
            measure_until(
                page,
                f"document.querySelector({_ROW!r}).id !== {newest!r}",
                partial(sender.send, _USERID, f"arrival {number}"),
            )
        )
        for _ in range(3):
            shown = page.locator(_ROW).count()
            older.append(measure_until(page, f"{rows} > {shown}", lambda: page.locator("#older a").press("Enter")))
    longest = page.evaluate("window.longest")
    page.goto(path)
    wait_until(page, _LIVE)
    name = "Messages" if is_messages else "Requests"
    return [
        [f"{name}: first row of the page", f"{summarize(first)} ms"],
        [
            f"{name}: filter that matches one old entry (250 ms of them wait for further keys)",
            f"{summarize(matching)} ms",
        ],
        [f"{name}: filter without a match (the same)", f"{summarize(missing)} ms"],
        [f"{name}: further rows (“older”)", f"{summarize(older)} ms"],
        [f"{name}: from the send until its row is shown", f"{summarize(arrival)} ms"],
        [f"{name}: transferred for the page", f"{page_bytes / 1024:.0f} KiB"],
        [f"{name}: longest task of the main thread", f"{longest:.0f} ms" if longest else "below 50 ms"],
        *measure_live(page, session, name, server, ""),
        *measure_live(page, session, f"{name}, filter without a match", server, "nothing has this text"),
    ]


def measure_live(
    page: Page, session: CDPSession, name: str, server: servers.Server, text: str, seconds: float = 10.0
) -> list[list[str]]:
    """Measure an open page while messages arrive, compared with the same load and no page."""
    page.locator("#by-text").fill(text)
    page.wait_for_timeout(1000)
    responses: list[str] = []
    session.on("Network.responseReceived", lambda event: responses.append(event["response"]["url"]))
    with sending(server.port) as sender:
        used, sent = server.cpu_seconds(), sender.sent
        page.wait_for_timeout(seconds * 1000)
        with_page, with_sent = server.cpu_seconds() - used, sender.sent - sent
    updates = len(responses)
    longest = page.evaluate("window.longest")
    session.send("HeapProfiler.collectGarbage")
    heap = next(
        one["value"] for one in session.send("Performance.getMetrics")["metrics"] if one["name"] == "JSHeapUsedSize"
    )
    page.goto("about:blank")
    with sending(server.port) as sender:
        used, sent = server.cpu_seconds(), sender.sent
        page.wait_for_timeout(seconds * 1000)
        without, without_sent = server.cpu_seconds() - used, sender.sent - sent
    page.go_back()
    cost = (with_page - without * with_sent / max(without_sent, 1)) / max(updates, 1)
    return [
        [f"{name}: at {_RATE:g} messages/s, updates per second", f"{updates / seconds:.1f}"],
        [f"{name}: at {_RATE:g} messages/s, CPU time of the emulator per update", f"{cost * 1000:.1f} ms"],
        [f"{name}: JavaScript heap afterwards", f"{heap / 1024 / 1024:.1f} MiB"],
        [f"{name}: longest task meanwhile", f"{longest:.0f} ms" if longest else "below 50 ms"],
    ]


_PAGES: Final = (
    ("Messages", "/"),
    ("Messages, filter without a match", "/?text=nothing+has+this"),
    ("Messages with findings", "/?has_findings=1"),
    ("Requests", "/requests"),
    ("Requests of an account with few", "/requests?userid=t1"),
    ("Requests, filter without a match", "/requests?text=nothing+has+this"),
    ("Refused requests", "/requests?refused=1"),
    ("Requests with findings", "/requests?has_findings=1"),
    ("Queues", "/queues"),
    ("Account", "/account"),
    ("Phone", "/phone"),
    ("Accounts", "/accounts"),
)
"""Pages whose cost for the emulator is measured, without a browser."""


def measure_pages(server: servers.Server, rounds: int) -> list[list[str]]:
    """Measure the CPU time of the emulator for one page, after a first one that fills caches: rows of the result."""
    connection, rows = http.client.HTTPConnection("127.0.0.1", server.port), []
    for name, path in _PAGES:
        for fetches in (1, rounds):
            used = server.cpu_seconds()
            for _ in range(fetches):
                connection.request("GET", path)
                body = connection.getresponse().read()
            milliseconds = (server.cpu_seconds() - used) * 1000 / fetches
            kind = "once" if fetches == 1 else "again"
            rows.append(
                [f"{name}: CPU time of the emulator, {kind}", f"{milliseconds:.0f} ms ({len(body) / 1024:.0f} KiB)"]
            )
            click.echo(" | ".join(rows[-1]), err=True)
    return rows


def measure_accounts(page: Page, rounds: int, accounts: int) -> list[list[str]]:
    """Measure the dialog of accounts."""
    opened, searched = [], []
    found = "document.querySelectorAll('#accounts-found li').length"
    for _ in range(rounds):
        page.goto("/")
        opened.append(measure_until(page, f"{found} > 0", lambda: page.locator("[data-opens]").first.press("Enter")))
        field = page.locator("dialog[open] input[type=search]")
        searched.append(measure_until(page, f"{found} === 1", partial(field.fill, f"t{accounts - 2}")))
    return [
        ["Accounts: dialog opened, until the first account is shown", f"{summarize(opened)} ms"],
        ["Accounts: search for one (150 ms of them wait for further keys)", f"{summarize(searched)} ms"],
    ]


def measure_console(messages: int, accounts: int, rounds: int) -> str:
    """Return the results as a Markdown table."""
    limits = ("--max-messages", str(2 * messages), "--max-requests", str(2 * messages), "--max-history-mib", "2000")
    server = servers.start_emulator("sms10692_mock", "serve", "--port", "0", *limits, core=None)
    try:
        started = time.perf_counter()
        fill(Sender(server.port), messages, accounts)
        seconds = time.perf_counter() - started
        rows = [["resident memory of the emulator", f"{server.rss_mib():,.0f} MiB"]]
        click.echo(f"{messages:,} messages of {accounts:,} accounts sent in {seconds:.0f} s", err=True)
        rows += measure_pages(server, 4 * rounds)
        with (
            chromium() as browser,
            browser_page(browser, BROWSER_PROFILES[1], f"http://127.0.0.1:{server.port}") as page,
        ):
            page.add_init_script(_WATCH)
            session: Any = page.context.new_cdp_session(page)
            session.send("Network.enable")
            session.send("Performance.enable")
            rows += measure_accounts(page, rounds, accounts)
            for path in ("/", "/requests"):
                rows += measure_list(page, session, path, server, rounds)
    finally:
        servers.stop(server)
    return format_table([f"{messages:,} messages and requests, {accounts:,} accounts", ""], rows)


@click.command()
@click.option("--messages", default=100_000, help="Messages, each sent by a request of its own.")
@click.option("--accounts", default=1000, help="Accounts.")
@click.option("--rounds", default=5, help="Number of rounds; results are medians.")
def bench_console(messages: int, accounts: int, rounds: int) -> None:
    """Measure the console in a browser."""
    click.echo(measure_console(messages, accounts, rounds))


if __name__ == "__main__":
    bench_console()
