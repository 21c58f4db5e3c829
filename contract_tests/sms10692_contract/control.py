"""An emulator's control address: throw-away accounts, each with a clock of its own.

Here belongs what is asked of it, in JSON. It may be at another host and port than what is examined.
"""

import json
from collections.abc import Container
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from sms10692_contract.http import Address, RawAnswer, send_request
from sms10692_contract.interruptions import INTERRUPTIONS
from sms10692_contract.requests import WireRequest, is_encodable

_ACCOUNTS: Final = "/_mock/accounts"
_EXCERPT: Final = 200


class ControlRefused(Exception):
    """What answered said something else than a control address should; the message has it."""


class CreatedAccount(NamedTuple):
    """An account, as the control address tells it."""

    userid: str
    account: str
    password: str
    points: int


class ControlClient:
    """Speaks to a control address, with a token if it wants one. Every method may raise NoAnswer or ControlRefused.

    `userids` are those of the accounts that were made here and not deleted yet.
    """

    def __init__(self, address: Address, token: str | None = None) -> None:
        self.address = address
        self.userids: list[str] = []
        self._headers = [("Connection", "close"), *([("Authorization", f"Bearer {token}")] if token else [])]

    def health(self) -> dict[str, Any]:
        """What it says of itself."""
        return self._ask("GET", "/_mock/health", None, 200)

    def make_account(self, **wanted: Any) -> CreatedAccount:
        """A new account. A signal interrupts only when its userid is known."""
        with INTERRUPTIONS.deferred():
            told = self._ask("POST", _ACCOUNTS, wanted, 201)
            if isinstance(told.get("userid"), str):
                self.userids.append(told["userid"])
        match told:
            case {"userid": str(userid), "account": str(account), "password": str(password), "points": int(points)}:
                if account != wanted.get("account", account):
                    name = account[:_EXCERPT]
                    raise ControlRefused(
                        f"POST {self.address.url}{_ACCOUNTS} made {name}: not the name that it was to have"
                    )
                if not (is_encodable(userid, "gbk") and is_encodable(account + password, "utf-8")):
                    raise ControlRefused(f"POST {self.address.url}{_ACCOUNTS} made an account that no form can name")
                return CreatedAccount(userid, account, password, points)
        raise ControlRefused(
            f"POST {self.address.url}{_ACCOUNTS} was answered without {', '.join(CreatedAccount._fields)}"
        )

    def delete_accounts(self, keep: Container[str] = ()) -> None:
        """Delete the accounts that were made here, but for those to keep. What cannot be deleted stays in `userids`."""
        for userid in [one for one in self.userids if one not in keep]:
            self._ask("DELETE", _path(userid), None, 200, 404)
            self.userids.remove(userid)

    def top_up(self, userid: str, points: int) -> None:
        """Give an account more points."""
        self._ask("PATCH", _path(userid), {"charge": points}, 200)

    def freeze(self, userid: str) -> None:
        """Stop the account's clock."""
        self._ask("PUT", f"{_path(userid)}/clock", {"mode": "frozen"}, 200)

    def advance(self, userid: str, seconds: int) -> None:
        """Turn the account's clock."""
        self._ask("POST", f"{_path(userid)}/clock/advance", {"seconds": seconds}, 200)

    def now(self, userid: str) -> datetime:
        """The account's time, which comes in ISO 8601 with its offset."""
        path = f"{_path(userid)}/clock"
        told = self._ask("GET", path, None, 200).get("now")
        try:
            moment = datetime.fromisoformat(str(told))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ControlRefused(f"GET {self.address.url}{path} was answered with the time {str(told)[:_EXCERPT]!r}")
        return moment

    def _ask(self, method: str, path: str, document: dict[str, Any] | None, *wanted: int) -> dict[str, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        headers = list(self._headers)
        if method != "GET":
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        answer = send_request(self.address, WireRequest(path, (), method, path.encode(), tuple(headers), body))
        if answer.status not in wanted and not (200 in wanted and 200 <= answer.status < 300):
            raise ControlRefused(f"{method} {self.address.url}{path} was answered {answer.status}: {_excerpt(answer)}")
        try:
            read: Any = answer.json() if answer.body else {}
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise ControlRefused(f"{self.address.url}{path} is no control address: {_excerpt(answer)}")
        return read


def _path(userid: str) -> str:
    return f"{_ACCOUNTS}/{quote(userid, safe='', errors='replace')}"


def _excerpt(answer: RawAnswer) -> str:
    return answer.body[:_EXCERPT].decode("utf-8", "replace")
