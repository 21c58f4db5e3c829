"""Export of a logged request as a pytest test, and the steps of the console's demos.

`tests/end_to_end/test_copied_commands.py` runs copied commands in shells and interpreters.
"""

import re
from html import unescape
from typing import Any

import pytest

from sms10692_mock.admin.console import clause_demo
from support.emulators import sign
from support.flask_emulator import FlaskEmulator

REQUESTS = [
    (b"action=overage&userid=12&timestamp=1&sign=" + sign("test", "mima", "1").encode(), {}),
    (b"action=checkkeyword&content=\xe5\x8f\x91'\\\x00%s\n", {}),
    (b"", {"query_string": "action=send&userid=12&content=%E5%86%85&x='"}),
    (b'{"a": 1}', {"content_type": "application/json"}),
]


@pytest.mark.parametrize(("body", "arguments"), REQUESTS)
def test_an_exported_test_sends_the_same_request_and_passes(body: bytes, arguments: dict[str, Any]) -> None:
    emulator = FlaskEmulator()
    content_type = {"content_type": "application/x-www-form-urlencoded"}
    emulator.http.post("/v2smsGBK.aspx", data=body, **content_type | arguments)
    program = unescape(
        re.findall('<pre id="as-pytest"[^>]*>(.*?)</pre>', emulator.http.get("/requests/1").text, re.DOTALL)[0]
    )
    namespace: dict[str, Any] = {}
    exec(program, namespace)  # noqa: S102 - runs the exported test
    namespace["test_request_1"]()
    assert repr(body) in program or not body


def test_a_step_of_a_demo_requires_a_known_encoding() -> None:
    with pytest.raises(ValueError, match="unknown encoding 'unknown'"):
        clause_demo.DemoStep(encoding="unknown")
