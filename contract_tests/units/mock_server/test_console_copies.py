"""What is taken from a page to be run elsewhere sends the same bytes: a test, a line for a shell, a snippet, a trial.

Here belongs their text. That snippets and trials run against a served emulator is in `test_console_serving`.
"""

import json
import re
import shutil
import subprocess
from html import unescape
from typing import Any

import pytest

from emulators import sign
from offices import Office
from sms10692_mock.control.accounts import AccountDocument
from sms10692_mock.http.console import snippets, trials
from sms10692_mock.http.console.copies import as_curl
from sms10692_mock.stores.records import Entry

REQUESTS = [
    (b"action=overage&userid=12&timestamp=1&sign=" + sign("test", "mima", "1").encode(), {}),
    (b"action=checkkeyword&content=\xe5\x8f\x91'\\\x00%s\n", {}),
    (b"", {"query_string": "action=send&userid=12&content=%E5%86%85&x='"}),
    (b'{"a": 1}', {"content_type": "application/json"}),
]


@pytest.mark.parametrize(("body", "given"), REQUESTS)
def test_a_copied_test_sends_the_same_and_passes(body: bytes, given: dict[str, Any]) -> None:
    office = Office()
    arguments = {"content_type": "application/x-www-form-urlencoded"} | given
    office.http.post("/v2smsGBK.aspx", data=body, **arguments)
    program = unescape(
        re.findall('<pre id="as-pytest"[^>]*>(.*?)</pre>', office.http.get("/requests/1").text, re.DOTALL)[0]
    )
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - that is what it is for
    names["test_request_1"]()
    assert repr(body) in program or not body


def test_a_copied_line_for_a_shell_says_the_same_bytes() -> None:
    body = bytes(range(256)).replace(b"\x00", b"") + "内容".encode("gbk")
    line = as_curl(entry_of(body), "http://127.0.0.1:1")
    echoed = line.partition(" --data-binary ")[2].rpartition(" ")[0]
    said = subprocess.run(["bash", "-c", f"printf '%s' {echoed}"], capture_output=True, check=True).stdout  # noqa: S607
    assert said == body
    assert "--data-binary @-" in as_curl(entry_of(b"a\x00b%"), "http://127.0.0.1:1")
    piped = as_curl(entry_of(b"a\x00b%"), "http://127.0.0.1:1").partition(" | ")[0]
    assert subprocess.run(["bash", "-c", piped], capture_output=True, check=True).stdout == b"a\x00b%"  # noqa: S607


def entry_of(body: bytes) -> Entry:
    """A request with this body."""
    form = [("content-type", "application/x-www-form-urlencoded")]
    return Entry(1, 0.0, 0.0, 0.0, "POST", "/v2sms.aspx", b"", form, body, "", "", "", None, 200, "text/xml", b"")


def test_a_step_of_a_trial_goes_a_way_that_there_is() -> None:
    with pytest.raises(ValueError, match="no way of a request: pigeon"):
        trials.Step(how="pigeon")


HARD = AccountDocument.model_construct(userid="7'\"\\$", account="账 `id` %s ${x} #{x}", password="a'b\"c\\d $HOME 😀")


def test_the_python_snippet_writes_any_credentials() -> None:
    program = snippets.snippet("python", HARD, "http://127.0.0.1:1").partition("timestamp =")[0]
    names: dict[str, object] = {}
    exec(program, names)  # noqa: S102 - that is what it is for
    assert [names[name] for name in ("userid", "account", "password")] == [HARD.userid, HARD.account, HARD.password]


def test_the_other_snippets_write_them_too() -> None:
    shell = snippets.snippet("curl", HARD, "http://127.0.0.1:1").splitlines()[1]
    printed = shell.removeprefix("sign=$(").partition('"$timestamp"')[0]
    said = subprocess.run(["bash", "-c", printed], capture_output=True, check=True).stdout.decode()  # noqa: S607
    assert said == HARD.account + HARD.password
    node = re.findall(r"= (\[.*\]);", snippets.snippet("node", HARD, "http://127.0.0.1:1"))[0]
    assert json.loads(node) == [HARD.userid, HARD.account, HARD.password]
    php = shutil.which("php")
    if php:
        head = snippets.snippet("php", HARD, "http://127.0.0.1:1").partition("$timestamp")[0]
        ended = subprocess.run([php, "-r", f"{head[5:]} echo $account, $password;"], capture_output=True, check=True)
        assert ended.stdout.decode() == HARD.account + HARD.password
