"""Client of the emulator's control API: creates temporary accounts and sets their clocks.

The control API may be at another address than the server that is checked.
"""

import json
from collections.abc import Container
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from sms10692_contract.http import Address, HttpResponse
from sms10692_contract.interruptions import INTERRUPTIONS
from sms10692_contract.masking import mask_excerpt
from sms10692_contract.profiles import MANUAL, OBSERVED_NAME, BrandProfile, parse_profile
from sms10692_contract.requests import WireRequest, is_encodable
from sms10692_contract.reused_connection import ReusedConnection

_ACCOUNTS: Final = "/_mock/accounts"
_EXCERPT: Final = 200


class ControlApiError(Exception):
    """The control API refused a request or sent an unexpected response. The message contains an excerpt."""


class CreatedAccount(NamedTuple):
    """An account created by the control API."""

    userid: str
    account: str
    password: str
    points: int


class ControlClient:
    """Client of a control API. Every method may raise TargetUnreachable or ControlApiError.

    `userids` are the accounts that were created by this client and not deleted yet. `profile` is the emulator's, None
    if it is not known: accounts get the profile `manual` if it is another one, unless their settings name one.
    """

    def __init__(self, address: Address, token: str | None = None) -> None:
        self.address = address
        self.token = token
        self.userids: list[str] = []
        self._headers = [("Authorization", f"Bearer {token}")] if token else []
        self.profile: BrandProfile | None = None
        self._connection = ReusedConnection(address)

    def create_account(self, **options: Any) -> CreatedAccount:
        """Create an account with these settings.

        **Signals are deferred until the userid is recorded**, so that every created account can be deleted.
        """
        with INTERRUPTIONS.deferred():
            document = self._request("POST", _ACCOUNTS, self._default_settings | options, 201)
            if isinstance(document.get("userid"), str):
                self.userids.append(document["userid"])
        match document:
            case {"userid": str(userid), "account": str(account), "password": str(password), "points": int(points)}:
                if account != options.get("account", account):
                    name = account[:_EXCERPT]
                    raise ControlApiError(
                        f"POST {self.address.url}{_ACCOUNTS} created the account {name} instead of the requested one"
                    )
                if not (is_encodable(userid, "gbk") and is_encodable(account + password, "utf-8")):
                    raise ControlApiError(
                        f"POST {self.address.url}{_ACCOUNTS} created an account whose name no form can contain"
                    )
                return CreatedAccount(userid, account, password, points)
        raise ControlApiError(
            f"the response to POST {self.address.url}{_ACCOUNTS} lacks {', '.join(CreatedAccount._fields)}"
        )

    @property
    def _default_settings(self) -> dict[str, str]:
        is_manual = self.profile is None or self.profile.name == MANUAL.name
        return {} if is_manual else {"profile": MANUAL.name}

    def learn_profile(self) -> None:
        """Learn the emulator's profile, if the control API tells it."""
        self.profile = self._read_profile("/_mock/profile", None)

    def read_profile(self, userid: str, option: str | None) -> BrandProfile | None:
        """Return the profile of an account that has it by this setting; None if the control API does not tell it."""
        return self._read_profile(f"{_build_account_path(userid)}/profile", option)

    def read_profile_names(self) -> list[str]:
        """Return the names of the profiles that accounts can have: those of every emulator if it does not tell them."""
        names = self._request("GET", "/_mock/profiles", None, 200, 404).get("names")
        known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
        return known or [MANUAL.name, OBSERVED_NAME]

    def _read_profile(self, path: str, option: str | None) -> BrandProfile | None:
        document = self._request("GET", path, None, 200, 404)
        try:
            return parse_profile(document, option)
        except ValueError:
            return None

    def read_forbidden_words(self) -> list[str]:
        """Return the forbidden words of the server; none if the control API does not show them."""
        words = self._request("GET", "/_mock/keywords", None, 200, 404).get("words")
        return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []

    def read_endpoints(self) -> set[str]:
        """Return the paths of the vendor's endpoints; none if the control API does not show them."""
        paths = self._request("GET", "/_mock/health", None, 200, 404).get("endpoints")
        return {path for path in paths if isinstance(path, str)} if isinstance(paths, list) else set()

    def delete_accounts(self, keep: Container[str] = ()) -> None:
        """Delete the created accounts except `keep`. Accounts that cannot be deleted stay in `userids`."""
        for userid in [userid for userid in self.userids if userid not in keep]:
            self.delete_account(userid)

    def delete_account(self, userid: str) -> None:
        """Delete an account that this client created."""
        self._request("DELETE", _build_account_path(userid), None, 200, 404)
        self.userids.remove(userid)

    def top_up(self, userid: str, points: int) -> None:
        """Add points to an account."""
        self._request("PATCH", _build_account_path(userid), {"top_up": points}, 200)

    def set_balance(self, userid: str, points: int) -> None:
        """Set the balance of an account; what this adds or takes away counts in sendTotal."""
        self._request("PATCH", _build_account_path(userid), {"points": points}, 200)

    def set_password(self, userid: str, password: str) -> None:
        """Change the password of an account."""
        self._request("PATCH", _build_account_path(userid), {"password": password}, 200)

    def enqueue_reply(self, userid: str, mobile: str, content: str) -> None:
        """Let a phone reply to the last message that the account has sent to it."""
        self._request(
            "POST", f"{_build_account_path(userid)}/replies", {"mobile": mobile, "content": content}, 200, 201
        )

    def freeze(self, userid: str) -> None:
        """Stop the account's clock."""
        self._request("PUT", f"{_build_account_path(userid)}/clock", {"mode": "frozen"}, 200)

    def advance(self, userid: str, seconds: float) -> None:
        """Move the account's clock forward."""
        self._request("POST", f"{_build_account_path(userid)}/clock/advance", {"seconds": seconds}, 200)

    def read_clock(self, userid: str) -> datetime:
        """Return the time of the account's clock, with its offset."""
        path = f"{_build_account_path(userid)}/clock"
        value = self._request("GET", path, None, 200).get("now")
        try:
            time = datetime.fromisoformat(str(value))
        except ValueError:
            time = None
        if time is None or time.tzinfo is None:
            raise ControlApiError(
                f"the response to GET {self.address.url}{path} has the invalid time {str(value)[:_EXCERPT]!r}"
            )
        return time

    def _request(self, method: str, path: str, document: dict[str, Any] | None, *statuses: int) -> dict[str, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        headers = list(self._headers)
        if method != "GET":
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        response = self._connection.exchange(WireRequest(path, (), method, path.encode(), tuple(headers), body))
        if response.status not in statuses and not (200 in statuses and 200 <= response.status < 300):
            raise ControlApiError(
                f"{method} {self.address.url}{path} returned HTTP {response.status}: {_cut_excerpt(response)}"
            )
        try:
            result: Any = response.json() if response.body and response.status != 404 else {}
        except ValueError:
            result = None
        if not isinstance(result, dict):
            raise ControlApiError(f"{self.address.url}{path} is not a control API: {_cut_excerpt(response)}")
        return result


def _build_account_path(userid: str) -> str:
    return f"{_ACCOUNTS}/{quote(userid, safe='', errors='replace')}"


def _cut_excerpt(response: HttpResponse) -> str:
    return mask_excerpt(response.body.decode("utf-8", "replace"), _EXCERPT)
