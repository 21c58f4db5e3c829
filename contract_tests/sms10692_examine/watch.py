"""`sms10692-examine watch`: judges the requests of any program by what can be seen on the wire."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import click

from sms10692_examine.driver_process import find_program
from sms10692_examine.exchange import Exchange
from sms10692_examine.findings import find_codes
from sms10692_examine.language import STATE_WORDS, choose
from sms10692_examine.observations import Language, Observation
from sms10692_examine.vendor_proxy import VendorProxy
from sms10692_examine.verdicts import State
from sms10692_mock import Emulator, SmsVendor

ENVIRONMENT: Final = {
    "userid": "SMS10692_USERID",
    "account": "SMS10692_ACCOUNT",
    "password": "SMS10692_PASSWORD",
}
URL: Final = "SMS10692_URL"


_CREDENTIALS: Final = ("timestamp", "sign")
"""Parameters that differ between a request and its repetition."""


class Remark(NamedTuple):
    """Something that was seen on the wire, a failure or a warning."""

    state: State
    text: Observation


def find_remarks(emulator: Emulator, vendor: SmsVendor, exchanges: Sequence[Exchange]) -> Iterator[Remark]:
    """Yield what was seen in the requests of a program, each kind of it once."""
    if not exchanges:
        yield Remark(State.FAILED, Observation("no request arrived: let the program use the address in {}", URL))
        return
    requests: Sequence[Any] = vendor.requests()
    if not requests:
        none = Observation("{} requests, and none for the account in {}", len(exchanges), ENVIRONMENT["userid"])
        yield Remark(State.FAILED, none)
    yield from (Remark(State.WARNING, text) for text in _find_warnings(emulator, vendor, requests, exchanges))


def _find_warnings(
    emulator: Emulator, vendor: SmsVendor, requests: Sequence[Any], exchanges: Sequence[Exchange]
) -> Iterator[Observation]:
    password = vendor.credentials["password"].encode()
    if any(password in exchange.request.head + exchange.request.body for exchange in exchanges):
        yield Observation("the password is in a request, as the older endpoints need it")
    if any(b"content=" in exchange.request.target or b"sign=" in exchange.request.target for exchange in exchanges):
        yield Observation("texts or signatures are in the address, and so in logs of servers and proxies")
    for found in find_codes(emulator, vendor):
        yield Observation("{} ({} times): {}", found.code, found.count, found.sentence)
    refusals = Counter(request.refusal for request in requests if request.refusal)
    for refusal, count in refusals.items():
        yield Observation("refused ({} times): {}", count, refusal)
    sends = Counter(
        tuple(sorted((name, value) for name, value in request.fields.items() if name.lower() not in _CREDENTIALS))
        for request in requests
        if request.operation == "send"
    )
    repeated = sum(count > 1 for count in sends.values())
    if repeated:
        yield Observation("{} texts were sent to the same numbers more than once: is that a retry?", repeated)


@click.command("watch")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
def watch_command(lang: Language, program: tuple[str, ...]) -> int:
    """Run a program against an emulator and judge its requests: sms10692-examine watch -- ./run-my-tests.sh

    The program gets the address in SMS10692_URL and an account in SMS10692_USERID, SMS10692_ACCOUNT and
    SMS10692_PASSWORD. The exit code is 1 if something failed, otherwise that of the program.
    """
    with Emulator() as emulator, VendorProxy(emulator.url) as proxy, emulator.account(points=100_000) as vendor:
        credentials = {name: str(value) for name, value in vendor.credentials.items()}
        environment = {ENVIRONMENT[name]: value for name, value in credentials.items()} | {URL: proxy.url}
        try:
            code = subprocess.run(find_program(program), env={**os.environ, **environment}, check=False).returncode
        except OSError as error:
            raise click.UsageError(f"cannot start {program[0]}: {error.strerror}") from error
        remarks = list(find_remarks(emulator, vendor, proxy.exchanges))
        counts = (len(proxy.exchanges), len(vendor.messages()), code)
    click.echo(Observation("{} requests, {} messages; exit code of the program: {}", *counts).in_language(lang))
    for remark in remarks:
        click.echo(f"{choose(STATE_WORDS[remark.state], lang)}: {remark.text.in_language(lang)}")
    if any(remark.state is State.FAILED for remark in remarks):
        return 1
    return code if code >= 0 else 128 - code
