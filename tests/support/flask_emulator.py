"""An emulator with its control API in this process, called through Flask's test client."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask.testing import FlaskClient

from sms10692_mock.admin.app import create_app
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.domain.clock import Clock
from sms10692_mock.domain.store import Store
from support.emulators import MANUAL_TIME, build_options, sign


class FlaskEmulator:
    """An emulator and its control API in this process. The wall clock stands still at `now`, which tests may set."""

    def __init__(
        self,
        access_policy: AccessPolicy | None = None,
        replaced_options: Mapping[str, Any] | None = None,
        *,
        clock: Clock | None = None,
        store: Store | None = None,
        **option_arguments: Any,
    ) -> None:
        """`replaced_options` replaces attributes of `Options`. `option_arguments` are passed to `build_options`."""
        self.now = MANUAL_TIME
        config = replace(build_options(clock or (lambda: self.now), **option_arguments), **(replaced_options or {}))
        self.app = create_app(config, access_policy, store)
        self.http: FlaskClient = self.app.test_client()

    def control(self, method: str, path: str, document: Any = None, **headers: str) -> Any:
        """Send a request to the control API, which must succeed, and return the document."""
        response = self.http.open(f"/_mock/{path}", method=method, json=document or {}, headers=headers)
        assert response.status_code in {200, 201}, response.text
        return response.json

    def refusal(self, method: str, path: str, **request: Any) -> tuple[int, str]:
        """Send a request to the control API that must fail. Returns the status and the error message."""
        arguments: dict[str, Any] = {"json": {}} | request
        response = self.http.open(f"/_mock/{path}", method=method, **arguments)
        assert response.json is not None
        return response.status_code, response.json["error"]

    def post(self, path: str, account: dict[str, Any], **fields: str) -> str:
        """Send a signed request of an account to a vendor endpoint, and return the response text."""
        credentials = {"userid": account["userid"], "timestamp": "1"}
        credentials["sign"] = sign(account["account"], account["password"], "1")
        return self.http.post(path, data=credentials | fields).text

    def send(self, account: dict[str, Any], **fields: str) -> str:
        return self.post("/v2sms.aspx", account, **{"action": "send", "mobile": "13000000001", "content": "x"} | fields)

    def status(self, account: dict[str, Any]) -> str:
        return self.post("/v2statusApi.aspx", account, action="query")

    def call(self, account: dict[str, Any]) -> str:
        return self.post("/v2callApi.aspx", account, action="query")
