"""`EmulatorControl`: a whole emulator, for use in a test.

One account is `SmsVendor` in `account`.
"""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from sms10692_mock.testing.account import SmsVendor
from sms10692_mock.testing.api_client import ControlApi, account_path
from sms10692_mock.testing.models import Profile, read_profile
from sms10692_mock.testing.scope import ControlScope
from sms10692_mock.testing.transport import HttpTransport, WsgiTransport


class EmulatorControl(ControlScope):
    """The emulator at `url`, over its control API; `token` is the token of that API, if one is required.

    `wsgi` is the application of an emulator in this process; requests then use calls instead of a socket, and `url` may
    be a function that makes the emulator listen, called when the URL is first needed. `clock`, `fault` and `requests`
    concern all accounts. Every method may raise ControlError.
    """

    def __init__(self, url: str | Callable[[], str], token: str | None = None, *, wsgi: Any = None) -> None:
        if isinstance(url, str):
            url = url.rstrip("/")
        elif wsgi is None:
            raise TypeError("a url that is a function requires wsgi")
        transport = HttpTransport(url) if isinstance(url, str) and wsgi is None else WsgiTransport(wsgi)
        super().__init__(ControlApi(url, token, transport), "")
        self._wsgi = wsgi

    @property
    def url(self) -> str:
        """The base URL of the emulator."""
        return self._api.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. The emulator keeps running."""
        self._api.close()

    def health(self) -> dict[str, Any]:
        """Return version, profile and store of the emulator."""
        health: dict[str, Any] = self._get("health")
        return health

    def account(
        self,
        *,
        userid: str | None = None,
        account: str | None = None,
        password: str | None = None,
        points: int | None = None,
        postpaid: bool | None = None,
        can_read_queues: bool | None = None,
        profile: str | None = None,
    ) -> SmsVendor:
        """Create a temporary account with its own clock: prepaid with 1000 points by default.

        `account` is the account's name at the vendor, `profile` the name of a loaded profile. Missing userid, name and
        password are generated and unique. Raises ControlRefused if the userid is taken.
        """
        last_requests = self._get("requests", order="desc", limit=1)["items"]
        document = self._do(
            "POST",
            "accounts",
            userid=userid,
            account=account,
            password=password,
            points=points,
            postpaid=postpaid,
            can_read_queues=can_read_queues,
            profile=profile,
            private_clock=True,
        )
        created_after = last_requests[0]["number"] if last_requests else 0
        return SmsVendor(self._api, document, self._wsgi, created_after=created_after)

    def get_account(self, userid: str) -> SmsVendor:
        """Return an existing account, such as the manual's account 12. Raises ControlRefused if there is none."""
        return SmsVendor(self._api, self._api.get(account_path(userid)), self._wsgi)

    def userids(self) -> list[str]:
        """Return the userids of all accounts."""
        return [document["userid"] for document in self._get("accounts")["accounts"]]

    def forbidden_words(self) -> list[str]:
        """Return the forbidden words."""
        return list(self._get("keywords")["words"])

    def set_forbidden_words(self, words: Iterable[str]) -> None:
        """Replace the forbidden words, for all accounts."""
        self._do("PUT", "keywords", words=list(words))

    def put_profile(self, name: str, **keys: Any) -> Profile:
        """Add a profile with these keys of a profile file, or replace one that was added so.

        It applies from the next request on. Raises ControlRefused for an unknown key or wrong value.
        """
        document = self._do("PUT", f"profiles/{quote(name, safe='')}", **keys)
        return read_profile(document)

    def remove_profile(self, name: str) -> None:
        """Remove a profile that was added. Accounts that have it get the emulator's."""
        self._do("DELETE", f"profiles/{quote(name, safe='')}")

    def reset(self) -> None:
        """Reset everything: delete temporary accounts; restore the others, clock, words and faults."""
        self._do("POST", "reset")
