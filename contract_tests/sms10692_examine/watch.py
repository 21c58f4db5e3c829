"""`sms10692-examine watch`: judges the requests of any program by what can be seen on the wire."""

import os
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import click

from sms10692_examine.exchange import Exchange, HttpRequest
from sms10692_examine.findings import FoundCode, find_sentences
from sms10692_examine.language import STATE_WORDS, choose
from sms10692_examine.observations import Language, Observation, Translated
from sms10692_examine.vendor_proxy import VendorProxy
from sms10692_examine.verdicts import State
from sms10692_mock import Emulator

ENVIRONMENT: Final = {
    "userid": "SMS10692_USERID",
    "account": "SMS10692_ACCOUNT",
    "password": "SMS10692_PASSWORD",
}
ADDRESSES: Final = ("SMS10692_URL", "SMS10692_MOCK_URL")
"""Variables with the address: the second is read by the helpers of the tutorials and the pytest plugin."""
_ACCOUNT_DEPTH: Final = 3
"""Parts of the path of an account in the control API."""


_DEMANDED: Final = re.compile("fault|reserved|delivery")
"""In the codes of findings about what the tests themselves ask for: no mistakes, as in the helpers of the tutorials."""

_CREDENTIALS: Final = ("timestamp", "sign")
"""Parameters that differ between a request and its repetition."""


class Remark(NamedTuple):
    """Something that was seen on the wire, a failure or a warning."""

    state: State
    text: Observation


class Watch:
    """What a program did: its requests to the vendor, of every account or none, with the emulator's findings.

    An account that the program deletes is read before that, because its findings and messages go with it.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._lock = threading.Lock()
        self._requests: dict[int, tuple[Any, list[Translated]]] = {}
        self.passwords: set[bytes] = set()
        self.message_count = 0

    def read_before_deletion(self, request: HttpRequest) -> None:
        """Read the account that a request to the control API deletes."""
        parts = request.path.strip("/").split("/")
        if request.method == "DELETE" and len(parts) == _ACCOUNT_DEPTH and parts[:2] == ["_mock", "accounts"]:
            self.read(unquote(parts[2]))

    def read(self, userid: str | None = None) -> None:
        """Read the requests and messages of an account that is about to be deleted, or of all at the end."""
        with self._lock:
            for request in self._emulator.control.requests():
                if request.number not in self._requests and userid in (None, request.userid):
                    sentences = list(find_sentences(self._emulator, request.number)) if request.diagnosis else []
                    self._requests[request.number] = (request, sentences)
            for known in self._emulator.control.userids():
                if userid in (None, known):
                    vendor = self._emulator.control.get_account(known)
                    self.message_count += len(vendor.messages())
                    self.passwords.add(vendor.password.encode())

    @property
    def requests(self) -> list[Any]:
        return [request for _, (request, _) in sorted(self._requests.items())]

    def find_codes(self) -> Iterator[FoundCode]:
        """Yield the findings about mistakes, each code once."""
        found: dict[str, FoundCode] = {}
        for _, (request, sentences) in sorted(self._requests.items()):
            for finding, sentence in zip(request.diagnosis, sentences, strict=True):
                if _DEMANDED.search(finding.code):
                    continue
                first = found.get(finding.code, FoundCode(finding.code, sentence, 0))
                found[finding.code] = replace(first, count=first.count + 1)
        yield from found.values()


def find_remarks(watch: Watch, exchanges: Sequence[Exchange]) -> Iterator[Remark]:
    """Yield what was seen in the requests of a program, each kind of it once."""
    if not exchanges:
        names = " / ".join(ADDRESSES)
        yield Remark(State.FAILED, Observation("no request arrived: let the program use the address in {}", names))
        return
    yield from (Remark(State.WARNING, text) for text in _find_warnings(watch, exchanges))


def _find_warnings(watch: Watch, exchanges: Sequence[Exchange]) -> Iterator[Observation]:
    if any(
        password in exchange.request.head + exchange.request.body
        for exchange in exchanges
        for password in watch.passwords
    ):
        yield Observation("the password is in a request, as the older endpoints need it")
    if any(b"content=" in exchange.request.target or b"sign=" in exchange.request.target for exchange in exchanges):
        yield Observation("texts or signatures are in the address, and so in logs of servers and proxies")
    for found in watch.find_codes():
        yield Observation("{} ({}×): {}", found.code, found.count, found.sentence)
    refusals = Counter(
        request.refusal
        for request in watch.requests
        if request.refusal and not any(_DEMANDED.search(finding.code) for finding in request.diagnosis)
    )
    for refusal, count in refusals.items():
        yield Observation("refused ({}×): {}", count, refusal)
    sends = Counter(
        tuple(sorted((name, value) for name, value in request.fields.items() if name.lower() not in _CREDENTIALS))
        for request in watch.requests
        if request.operation == "send"
    )
    repeated = sum(count > 1 for count in sends.values())
    if repeated:
        yield Observation("texts sent to the same numbers more than once: {}; is that a retry?", repeated)


@click.command("watch")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
def watch_command(lang: Language, program: tuple[str, ...]) -> int:
    """Run a program against an emulator and judge its requests: sms10692-examine watch -- ./run-my-tests.sh

    The program gets the address in SMS10692_URL and SMS10692_MOCK_URL, and an account in SMS10692_USERID,
    SMS10692_ACCOUNT and SMS10692_PASSWORD. Its requests are judged for every account, also for those that its tests
    create. The exit code is 1 if something failed, otherwise that of the program.
    """
    with Emulator() as emulator, emulator.account(points=100_000) as vendor:
        watch = Watch(emulator)
        with VendorProxy(emulator.url, watch.read_before_deletion) as proxy:
            credentials = {name: str(value) for name, value in vendor.credentials.items()}
            environment = {ENVIRONMENT[name]: value for name, value in credentials.items()}
            environment |= dict.fromkeys(ADDRESSES, proxy.url)
            try:
                code = subprocess.run(program, env={**os.environ, **environment}, check=False).returncode
            except OSError as error:
                raise click.UsageError(f"cannot start {program[0]}: {error.strerror}") from error
            watch.read()
            exchanges = [exchange for exchange in proxy.exchanges if not exchange.request.path.startswith("/_mock")]
        remarks = list(find_remarks(watch, exchanges))
        counts = (len(exchanges), watch.message_count, code)
    click.echo(Observation("requests: {}, messages: {}; exit code of the program: {}", *counts).in_language(lang))
    for remark in remarks:
        click.echo(f"{choose(STATE_WORDS[remark.state], lang)}: {remark.text.in_language(lang)}")
    if any(remark.state is State.FAILED for remark in remarks):
        return 1
    return code if code >= 0 else 128 - code
