"""A test that is copied from the page of a request sends the same bytes; a trial is made of steps that there are.

What shells and interpreters make of copied lines and programs is in `test_pasting`.
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


@pytest.mark.parametrize(("body", "given"), REQUESTS)
def test_a_copied_test_sends_the_same_and_passes(body: bytes, given: dict[str, Any]) -> None:
    office = FlaskEmulator()
    arguments = {"content_type": "application/x-www-form-urlencoded"} | given
    office.http.post("/v2smsGBK.aspx", data=body, **arguments)
    program = unescape(
        re.findall('<pre id="as-pytest"[^>]*>(.*?)</pre>', office.http.get("/requests/1").text, re.DOTALL)[0]
    )
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - that is what it is for
    names["test_request_1"]()
    assert repr(body) in program or not body


def test_a_step_of_a_trial_goes_a_way_that_there_is() -> None:
    with pytest.raises(ValueError, match="unknown encoding 'pigeon'"):
        clause_demo.DemoStep(encoding="pigeon")
