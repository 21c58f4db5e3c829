"""A whole emulator, in the hands of a test.

Here belongs what concerns all accounts of it. What concerns one is in `sms_vendor`.
"""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Literal, Self

from sms10692_mock.testing.account import SmsVendor
from sms10692_mock.testing.api_client import ControlApi, account_path
from sms10692_mock.testing.scope import ControlScope
from sms10692_mock.testing.transport import HttpTransport, WsgiTransport


class EmulatorControl(ControlScope):
    """The emulator at `url`, where `sms10692-mock serve` runs, over its control address; `token` is that one's.

    Where the emulator is in this process as well, `wsgi` is its application, and is called in place of a socket; `url`
    may then be a function that makes it listen, and is called when the address is first asked for. The
    `clock`, `fault` and `requests` are for all accounts at once. Every method may raise ControlError.
    """

    def __init__(self, url: str | Callable[[], str], token: str | None = None, *, wsgi: Any = None) -> None:
        if isinstance(url, str):
            url = url.rstrip("/")
        elif wsgi is None:
            raise TypeError("url is a function, and there is no wsgi to call")
        carrier = HttpTransport(url) if isinstance(url, str) and wsgi is None else WsgiTransport(wsgi)
        super().__init__(ControlApi(url, token, carrier), "")
        self._wsgi = wsgi

    @property
    def url(self) -> str:
        """Its address."""
        return self._connection.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. The emulator goes on."""
        self._connection.close()

    def health(self) -> dict[str, Any]:
        """What the emulator says of itself: version, dialect, store."""
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
        may_read_reports: bool | None = None,
        dialect: Literal["manual", "observed"] | None = None,
    ) -> SmsVendor:
        """A fresh throw-away account with a clock of its own: prepaid, with 1000 points, unless said otherwise.

        `account` is its name at the vendor. Without them, userid, name and password are those of no other account.
        Raises ControlRefused where there is an account of this userid.
        """
        document = self._do(
            "POST",
            "accounts",
            userid=userid,
            account=account,
            password=password,
            points=points,
            postpaid=postpaid,
            may_read_reports=may_read_reports,
            dialect=dialect,
            own_clock=True,
        )
        return SmsVendor(self._connection, document, self._wsgi)

    def get_account(self, userid: str) -> SmsVendor:
        """The account of this userid, such as the manual's own, 12. Raises ControlRefused where there is none."""
        return SmsVendor(self._connection, self._connection.get(account_path(userid)), self._wsgi)

    def userids(self) -> list[str]:
        """The accounts that there are."""
        return [document["userid"] for document in self._get("accounts")["accounts"]]

    def keywords(self) -> list[str]:
        """The forbidden words."""
        return list(self._get("keywords")["words"])

    def set_forbidden_words(self, words: Iterable[str]) -> None:
        """Put these forbidden words in place of the others, for all accounts."""
        self._do("PUT", "keywords", words=list(words))

    def reset(self) -> None:
        """Begin anew: throw-away accounts are closed, the others as at the start; clock, words, faults too."""
        self._do("POST", "reset")
