"""Tests that hints which other hosts can read confirm no guess of an account name, password or userid."""

import hashlib
import re
from collections.abc import Iterator

import pytest

from support.emulators import emulator_process, is_request_line, sign, wait_exit
from support.http_client import Address, open_session

ACCOUNT = ("77", "shop", "s3cretpw")
OTHER = ("78", "other", "an0therone")
TOKEN = "t0ken"
TIMESTAMP = "20120701231212"


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def get_hint(address: Address, **fields: str) -> str:
    """Send a request and return its hint without the number of the request."""
    with open_session(address) as session:
        hint: str = session.post("/v2sms.aspx", data=fields).headers.get("X-Mock-Hint", "")
    return re.sub(r"requests/\d+", "requests/N", hint)


ARGUMENTS = ("--account", ":".join(ACCOUNT), "--account", ":".join(OTHER), "--token", TOKEN)


@pytest.fixture(scope="module")
def exposed() -> Iterator[Address]:
    with emulator_process(*ARGUMENTS, "--host", "0.0.0.0", "--log-level", "error") as (_, (_, port)):  # noqa: S104 - is tested
        yield "127.0.0.1", port


@pytest.fixture(scope="module")
def proxied() -> Iterator[Address]:
    with emulator_process(*ARGUMENTS, "--public-url", "https://sms.example", "--log-level", "error") as (_, address):
        yield address


@pytest.fixture(scope="module")
def local() -> Iterator[Address]:
    with emulator_process(*ARGUMENTS, "--log-level", "error") as (_, address):
        yield address


GUESSES = {
    "the account name": (
        {"userid": "77", "sign": md5("shop" + TIMESTAMP)},
        {"userid": "77", "sign": md5("shup" + TIMESTAMP)},
    ),
    "the password": (
        {"userid": "77", "sign": md5("s3cretpw" + TIMESTAMP)},
        {"userid": "77", "sign": md5("guess" + TIMESTAMP)},
    ),
    "the account as userid": ({"userid": "shop"}, {"userid": "shup"}),
    "the userid": ({"userid": "77"}, {"userid": "79"}),
    "the account of a signature": (
        {"userid": "99", "sign": sign("shop", "s3cretpw", TIMESTAMP)},
        {"userid": "99", "sign": sign("shop", "guess", TIMESTAMP)},
    ),
    "a capital signature": (
        {"userid": "77", "sign": sign("shop", "s3cretpw", TIMESTAMP).upper()},
        {"userid": "77", "sign": sign("shop", "guess", TIMESTAMP).upper()},
    ),
    "the password of another account": (
        {"userid": "77", "sign": md5("shop" + "an0therone" + TIMESTAMP)},
        {"userid": "77", "sign": md5("shop" + "guess" + TIMESTAMP)},
    ),
}
"""For each kind of guess: a request with a right guess and one with a wrong guess."""


@pytest.mark.parametrize("guess", GUESSES)
@pytest.mark.parametrize("fixture", ["exposed", "proxied"])
def test_a_right_guess_gets_the_same_hint_as_a_wrong_guess(
    request: pytest.FixtureRequest, fixture: str, guess: str
) -> None:
    address: Address = request.getfixturevalue(fixture)
    right, wrong = GUESSES[guess]
    common = {"action": "overage", "timestamp": TIMESTAMP, "sign": md5("x")}
    assert get_hint(address, **common | right) == get_hint(address, **common | wrong) != ""


@pytest.mark.parametrize("guess", GUESSES)
def test_hints_on_loopback_are_complete(local: Address, guess: str) -> None:
    right, wrong = GUESSES[guess]
    common = {"action": "overage", "timestamp": TIMESTAMP, "sign": md5("x")}
    assert get_hint(local, **common | right) != get_hint(local, **common | wrong)


@pytest.mark.parametrize("field", ["s3cretpw", "an0therone"])
def test_a_password_in_a_request_is_quoted_as_received(exposed: Address, field: str) -> None:
    common = {"action": "overage", "timestamp": TIMESTAMP, "userid": "77"}
    for signature in (md5("x"), sign("shop", "s3cretpw", TIMESTAMP)):
        if (field, signature) != ("s3cretpw", sign("shop", "s3cretpw", TIMESTAMP)):
            assert f"'{field}'" in get_hint(exposed, **common, **{"sign": signature, field: "1"})


def test_errors_that_are_visible_in_the_request_are_hinted(exposed: Address) -> None:
    absent = get_hint(exposed, action="overage", userid="77", timestamp=TIMESTAMP)
    assert absent.startswith("signature.absent: ")
    swapped = get_hint(exposed, action="overage", userid="77", timestamp=md5("x"), sign=TIMESTAMP)
    assert swapped.startswith("signature.swapped: ")
    text = {"content": "%E5%86%85%E5%AE%B9", "mobile": "15023239810", "action": "send"}
    right = {"userid": "77", "timestamp": TIMESTAMP, "sign": sign("shop", "s3cretpw", TIMESTAMP)}
    assert "text.percent-encoded-twice: " in get_hint(exposed, **text | right)


def test_the_control_api_and_the_log_have_the_complete_diagnosis() -> None:
    with emulator_process(*ARGUMENTS, "--host", "0.0.0.0") as (process, (_, port)):  # noqa: S104 - binding to all interfaces is tested
        address = "127.0.0.1", port
        hint = get_hint(address, action="overage", userid="77", timestamp=TIMESTAMP, sign=md5("shop" + TIMESTAMP))
        assert hint.endswith("explained by GET /_mock/requests/N alone")
        with open_session(address) as session:
            document = session.get("/_mock/requests/1", headers={"Authorization": f"Bearer {TOKEN}"}).json()
        codes = [finding["code"] for finding in document["diagnosis"]]
        assert "signature.no-password" in codes
        process.terminate()
        lines = wait_exit(process)[1].splitlines()
    (index,) = [index for index, line in enumerate(lines) if is_request_line(line) and "overage" in line]
    assert "signature.no-password: " in lines[index + 1]
