"""The OpenAPI description of the control API: its introduction, its address, the names of its operations."""

from typing import Any, Final

from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from sms10692 import __version__, protocol
from sms10692_mock.admin.console.layout import base_url

_INTRODUCTION: Final = """\
The control API of an emulator of the sms10692.com SMS API: accounts, what they sent, both queues, clocks, faults.

A test makes an account (`POST /_mock/accounts`), lets the program under test send with its userid, name and password,
and looks at `/_mock/accounts/{userid}/messages`, which can wait until something was sent.

The vendor's own endpoints are beside it. They take forms, signed as the vendor's manual says, and are not described
here:

"""


def describe_vendor() -> str:
    """The vendor's endpoints as a list in Markdown.

    >>> print(describe_vendor().splitlines()[0])
    - `POST /v2sms.aspx` (UTF-8): send, overage, checkkeyword
    """
    lines = []
    for page in protocol.ENDPOINTS:
        names = ", ".join(operation.name for operation in protocol.OPERATIONS if page in operation.endpoints)
        lines.append(f"- `POST {page.path}` ({page.charset.upper()}): {names}")
    return "\n".join(lines)


INFO: Final = Info(title="sms10692-mock", version=__version__, description=f"{_INTRODUCTION}{describe_vendor()}\n")


def operation_id(name: str, path: str, method: str) -> str:
    """The name of an operation for generated clients: that of its function.

    >>> operation_id("list_messages", "/accounts/<userid>/messages", "get")
    'listMessages'
    """
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


class DescribedApp(OpenAPI):
    """The application whose description names the address at which it was asked for."""

    @property
    def api_doc(self) -> dict[str, Any]:
        """The description, for the request that is being answered."""
        described: dict[str, Any] = super().api_doc
        return described | {"servers": [{"url": base_url(), "description": "this emulator"}]}

    def generate_spec_json(self) -> None:
        """Make the description. A body of which every field may be left out may be left out itself."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]  # flask-openapi3 has no annotation there
        schemas = self.spec_json["components"]["schemas"]
        for path in self.spec_json["paths"].values():
            for operation in path.values():
                body = operation.get("requestBody")
                if body is not None:
                    schema = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                    body["required"] = bool(schemas[schema].get("required"))
