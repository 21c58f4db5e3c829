"""OpenAPI description of the control API: introduction, server URL, operation ids."""

from collections.abc import Callable
from typing import Any, Final

from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from sms10692 import __version__, protocol
from sms10692_mock.admin.console.layout import base_url

_INTRODUCTION: Final = """\
The control API of an emulator of the sms10692.com SMS API: accounts, sent messages, both queues, clocks, faults.

A test creates an account (`POST /_mock/accounts`), lets the program under test send with its userid, name and password,
and reads `/_mock/accounts/{userid}/messages`, which can wait until a message has been sent.

The vendor's own endpoints take forms, and are not described here. Those that take a signature are in the vendor's
manual; the older ones take account and password in clear:

"""


def describe_vendor() -> str:
    """List the vendor's endpoints in Markdown.

    >>> print(describe_vendor().splitlines()[0])
    - `POST /v2sms.aspx` (UTF-8, signed): send, overage, checkkeyword
    """
    lines = []
    for endpoint in protocol.ENDPOINTS:
        names = ", ".join(operation.name for operation in endpoint.operations)
        lines.append(f"- `POST {endpoint.path}` ({endpoint.charset.upper()}, {endpoint.authentication.name}): {names}")
    return "\n".join(lines)


INFO: Final = Info(title="sms10692-mock", version=__version__, description=f"{_INTRODUCTION}{describe_vendor()}\n")


def operation_id(name: str, path: str, method: str) -> str:
    """Return the operation id for generated clients: the name of the route function in camel case.

    >>> operation_id("list_messages", "/accounts/<userid>/messages", "get")
    'listMessages'
    """
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


class DescribedApp(OpenAPI):
    """Application whose description names the URL at which it was requested.

    Its routes have no description of their own: `describe` adds the same routes, described, to another application when
    the description is read for the first time.
    """

    describe: Callable[[OpenAPI], None]

    @property
    def api_doc(self) -> dict[str, Any]:
        """Return the description for the current request."""
        described: dict[str, Any] = super().api_doc
        return described | {"servers": [{"url": base_url(), "description": "this emulator"}]}

    def generate_spec_json(self) -> None:
        """Generate the description. A body whose fields are all optional is optional itself."""
        described = OpenAPI(
            self.import_name,
            info=self.info,
            security_schemes=self.security_schemes,
            static_folder=None,
            doc_ui=False,
        )
        self.describe(described)
        self.spec_json = described.api_doc
        schemas = self.spec_json["components"]["schemas"]
        for path in self.spec_json["paths"].values():
            for operation in path.values():
                body = operation.get("requestBody")
                if body is not None and "application/json" in body["content"]:
                    schema = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                    body["required"] = bool(schemas[schema].get("required"))
