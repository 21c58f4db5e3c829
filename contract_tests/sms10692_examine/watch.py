"""`sms10692-examine watch`: judges the requests of any program by what can be seen on the wire."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import click

from sms10692_examine.exchange import Exchange
from sms10692_examine.vendor_proxy import VendorProxy
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
    """Something that was seen on the wire: `kind` is `failed` or `warning`."""

    kind: str
    text: str


def find_remarks(vendor: SmsVendor, exchanges: Sequence[Exchange]) -> Iterator[Remark]:
    """Yield what was seen in the requests of a program, each kind of it once."""
    if not exchanges:
        yield Remark("failed", f"no request arrived: let the program use the address in {URL}")
        return
    requests: Sequence[Any] = vendor.requests()
    if not requests:
        yield Remark("failed", f"{len(exchanges)} requests, and none for the account in {ENVIRONMENT['userid']}")
    password = vendor.credentials["password"].encode()
    if any(password in exchange.request.head + exchange.request.body for exchange in exchanges):
        yield Remark("warning", "the password is in a request, as the older endpoints need it")
    if any(b"content=" in exchange.request.target or b"sign=" in exchange.request.target for exchange in exchanges):
        yield Remark("warning", "texts or signatures are in the address, and so in logs of servers and proxies")
    findings = Counter((finding.code, finding.sentence) for request in requests for finding in request.diagnosis)
    sentences: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for (code, sentence), count in findings.items():
        sentences.setdefault(code, sentence)
        counts[code] += count
    for code, sentence in sentences.items():
        yield Remark("warning", f"{code} ({counts[code]} times): {sentence}")
    refusals = Counter(request.refusal for request in requests if request.refusal)
    for refusal, count in refusals.items():
        yield Remark("warning", f"refused ({count} times): {refusal}")
    sends = Counter(
        tuple(sorted((name, value) for name, value in request.fields.items() if name.lower() not in _CREDENTIALS))
        for request in requests
        if request.operation == "send"
    )
    repeated = sum(count > 1 for count in sends.values())
    if repeated:
        yield Remark("warning", f"{repeated} texts were sent to the same numbers more than once: is that a retry?")


@click.command("watch")
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
def watch_command(program: tuple[str, ...]) -> int:
    """Run a program against an emulator and judge its requests: sms10692-examine watch -- ./run-my-tests.sh

    The program gets the address in SMS10692_URL and an account in SMS10692_USERID, SMS10692_ACCOUNT and
    SMS10692_PASSWORD. The exit code is 1 if something failed, otherwise that of the program.
    """
    with Emulator() as emulator, VendorProxy(emulator.url) as proxy, emulator.account(points=100_000) as vendor:
        credentials = {name: str(value) for name, value in vendor.credentials.items()}
        environment = {ENVIRONMENT[name]: value for name, value in credentials.items()} | {URL: proxy.url}
        try:
            code = subprocess.run(program, env={**os.environ, **environment}, check=False).returncode
        except OSError as error:
            raise click.UsageError(f"cannot start {program[0]}: {error.strerror}") from error
        remarks = list(find_remarks(vendor, proxy.exchanges))
        sends = len(vendor.messages())
        click.echo(f"{len(proxy.exchanges)} requests, {sends} messages; exit code of the program: {code}")
    for remark in remarks:
        click.echo(f"{remark.kind}: {remark.text}")
    if any(remark.kind == "failed" for remark in remarks):
        return 1
    return code if code >= 0 else 128 - code
