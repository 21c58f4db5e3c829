"""An emulator's control address: throw-away accounts, each with a clock of its own.

Here belongs what is asked of it, in JSON. It may be at another host and port than what is examined.
"""

import json
from typing import Any, Final

from sms10692_contract.requests import Request
from sms10692_contract.target import Address, NoAnswer, Raw, exchange

_ACCOUNTS: Final = "/_mock/accounts"


class ControlRefused(Exception):
    """The control address said something else than expected; the message has it."""


class Control:
    """Speaks to a control address, with a token if it wants one. Every method may raise NoAnswer or ControlRefused."""

    def __init__(self, address: Address, token: str | None = None) -> None:
        self.address = address
        self._headers = [("Connection", "close"), *([("Authorization", f"Bearer {token}")] if token else [])]

    def health(self) -> dict[str, Any]:
        """What it says of itself."""
        return self._ask("GET", "/_mock/health", None, 200)

    def make_account(self, **wanted: Any) -> dict[str, Any]:
        """A new account, as the control address tells it."""
        return self._ask("POST", _ACCOUNTS, wanted, 201)

    def charge(self, userid: str, points: int) -> None:
        """Give an account more points."""
        self._ask("PATCH", f"{_ACCOUNTS}/{userid}", {"charge": points}, 200)

    def freeze(self, userid: str) -> None:
        """Stop the account's clock."""
        self._ask("PUT", f"{_ACCOUNTS}/{userid}/clock", {"mode": "frozen"}, 200)

    def advance(self, userid: str, seconds: int) -> None:
        """Turn the account's clock."""
        self._ask("POST", f"{_ACCOUNTS}/{userid}/clock/advance", {"seconds": seconds}, 200)

    def now(self, userid: str) -> str:
        """The account's time, ISO 8601 with its offset."""
        return str(self._ask("GET", f"{_ACCOUNTS}/{userid}/clock", None, 200)["now"])

    def _ask(self, method: str, path: str, document: dict[str, Any] | None, wanted: int) -> dict[str, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        headers = list(self._headers)
        if document is not None:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        answer = exchange(self.address, Request(path, (), method, path.encode(), tuple(headers), body))
        if answer.status != wanted and not (wanted == 200 and 200 <= answer.status < 300):
            raise ControlRefused(f"{method} {self.address.url}{path} was answered {answer.status}: {_excerpt(answer)}")
        try:
            read: dict[str, Any] = json.loads(answer.body) if answer.body else {}
        except ValueError:
            raise NoAnswer(f"{self.address.url}{path} is no control address: {_excerpt(answer)}") from None
        return read


def _excerpt(answer: Raw) -> str:
    return answer.body[:200].decode("utf-8", "replace")
