"""An emulator in this process with its control address, as tests turn it and ask it.

Here belongs how both are spoken to. What they should say is each test's own affair.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask.testing import FlaskClient

from sms10692_mock.admin.app import create_app
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.domain.clock import Clock
from sms10692_mock.domain.store import Store
from support.emulators import MANUAL_TIME, options, sign


class FlaskEmulator:
    """An emulator and its control address, both in this process; the real time stands still until a test turns it."""

    def __init__(
        self,
        guard: AccessPolicy | None = None,
        also: Mapping[str, Any] | None = None,
        *,
        clock: Clock | None = None,
        store: Store | None = None,
        **given: Any,
    ) -> None:
        """`also` are options that no command line has in these words."""
        self.now = MANUAL_TIME
        chosen = replace(options(clock or (lambda: self.now), **given), **(also or {}))
        self.app = create_app(chosen, guard, store)
        self.http: FlaskClient = self.app.test_client()

    def control(self, method: str, path: str, document: Any = None, **headers: str) -> Any:
        """The document that a request to the control address gets, which must succeed."""
        response = self.http.open(f"/_mock/{path}", method=method, json=document or {}, headers=headers)
        assert response.status_code in {200, 201}, response.text
        return response.json

    def refusal(self, method: str, path: str, **request: Any) -> tuple[int, str]:
        """The status and the words with which a request is refused."""
        arguments: dict[str, Any] = {"json": {}} | request
        response = self.http.open(f"/_mock/{path}", method=method, **arguments)
        assert response.json is not None
        return response.status_code, response.json["error"]

    def ask(self, page: str, account: dict[str, Any], **fields: str) -> str:
        """What the vendor says to an account."""
        credentials = {"userid": account["userid"], "timestamp": "1"}
        credentials["sign"] = sign(account["account"], account["password"], "1")
        return self.http.post(page, data=credentials | fields).text

    def send(self, account: dict[str, Any], **fields: str) -> str:
        return self.ask("/v2sms.aspx", account, **{"action": "send", "mobile": "13000000001", "content": "x"} | fields)

    def status(self, account: dict[str, Any]) -> str:
        return self.ask("/v2statusApi.aspx", account, action="query")

    def call(self, account: dict[str, Any]) -> str:
        return self.ask("/v2callApi.aspx", account, action="query")
