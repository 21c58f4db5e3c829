"""What the two READMEs promise is true: their commands run, their answers come, their tables are complete.

Here belongs the README as a program. What the options do is in test_options.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any, get_args
from urllib.parse import parse_qsl

import pytest

from sms10692 import Client, Reason, Status, protocol
from sms10692_mock import EmulatorControl
from sms10692_mock.admin.app import create_app
from sms10692_mock.cli import serve_command
from sms10692_mock.domain.delivery import RESERVED_NUMBERS
from sms10692_mock.domain.faults import Kind
from sms10692_mock.domain.keywords import DEFAULT_WORDS
from support.emulators import WsgiHarness, emulator_process, request

TOP = Path(__file__).parents[2]
ENGLISH, CHINESE = ((TOP / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))
EACH_README = pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=["English", "Chinese"])


@EACH_README
def test_a_real_answer_comes_by_line_12(readme: str) -> None:
    assert "<returnstatus>Success</returnstatus>" in "\n".join(readme.splitlines()[:12])


@EACH_README
def test_the_first_answer_is_the_emulators(readme: str) -> None:
    command, *answer = readme.partition("    $ ")[2].partition("\n\n")[0].split("\n    ")
    arguments = shlex.split(command)
    with emulator_process() as (_, (host, port)):
        url = arguments[1].replace("http://127.0.0.1:10692", f"http://{host}:{port}")
        pasted = [arguments[0], "--silent", url, *arguments[2:]]
        said = subprocess.run(pasted, capture_output=True, encoding="utf-8", check=True).stdout
    assert said.split("\n") == answer


@EACH_README
def test_the_emulator_in_process_answers(readme: str) -> None:
    program = re.findall(r"^    (from sms10692_mock(?:.*\n    )*.*)\n", readme, re.MULTILINE)[0]
    program = program.replace("\n    ", "\n").replace("client.post(", "answer = client.post(")
    names: dict[str, str] = {}
    exec(program, names)  # noqa: S102 - the README is ours
    assert "<returnstatus>Sucess</returnstatus>" in names["answer"]


@EACH_README
def test_the_clients_programs_run(readme: str, tmp_path: Path) -> None:
    program, program_awaited = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    printed = _printed(program, tmp_path)
    assert printed[:3] == ["100001 998 2", "PREPAID 998 1000", "True"]
    assert [line.split()[:3] for line in printed[3:5]] == [
        ["15023239810", "100001", "DELIVERED"],
        ["10000000030", "100001", "DELIVERED"],
    ]
    assert printed[5:] == ["10000000030 T"]
    assert _printed(program_awaited, tmp_path) == ["15023239810", "10000000030", "['T']"]
    assert list((tmp_path / "replies").iterdir()) == []


def _printed(program: str, folder: Path) -> list[str]:
    """The lines that a program prints that speaks to an emulator of its own."""
    with emulator_process() as (_, (host, port)):
        program = program.replace("http://127.0.0.1:10692", f"http://{host}:{port}")
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8", check=True
        ).stdout.splitlines()


APPLICATION = """
from sms10692 import Client

class my_app:
    @classmethod
    def configure(cls, **settings):
        cls.client = Client(**settings)

    @classmethod
    def register(cls, number):
        with cls.client:
            cls.client.send([number], "您的验证码是 1234")
"""


@EACH_README
def test_the_programs_for_pytest_and_unittest_pass(readme: str, tmp_path: Path) -> None:
    programs = re.findall(r"^(?:    (?:def test_|import unittest).*\n)(?:\n?    .*\n)+", readme, re.MULTILINE)
    assert len(programs) == 2
    (tmp_path / "test_it.py").write_text("\n\n".join([APPLICATION, *map(dedent, programs)]), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "test_it.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert "2 passed" in ended.stdout, ended.stdout


@EACH_README
def test_the_program_for_an_event_loop_passes(readme: str, tmp_path: Path) -> None:
    (program,) = re.findall(r"^    import pytest\n(?:\n?    .*\n)+", readme, re.MULTILINE)
    backend = '\n@pytest.fixture\ndef anyio_backend():\n    return "asyncio"\n'
    (tmp_path / "test_it.py").write_text(dedent(program) + backend, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "test_it.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert "1 passed" in ended.stdout, ended.stdout


@EACH_README
def test_the_reasons_and_statuses_are_named(readme: str) -> None:
    assert {f"`{name}`" for kind in (Reason, Status) for name in kind.__members__} <= set(
        re.findall(r"`[A-Z_]+`", readme)
    )


@EACH_README
def test_the_lines_for_other_languages_do_the_same(readme: str) -> None:
    lines = re.findall(r"^    \$ (curl .*/_mock/.*)$", readme, re.MULTILINE)
    with emulator_process() as (_, (host, port)), EmulatorControl(f"http://{host}:{port}") as control:
        made = _pasted(lines[0], host, port)
        vendor = control.get_account(made["userid"])
        before = vendor.clock.freeze()
        with Client(vendor.url, **vendor.credentials) as client:
            client.send(["15023239810"], "x")
            (message,) = _pasted(lines[1].replace("USERID", vendor.userid), host, port)["items"]
            assert (message["content"], made["points"]) == ("x", 5)
            for line in lines[2:5]:
                _pasted(line.replace("USERID", vendor.userid), host, port)
            client.send(["15023239810"], "y")
            assert [report.errorcode for report in client.status()] == ["DELIVRD", "UNDELIV"]
            assert [reply.content for reply in client.call()] == ["T"]
        assert (vendor.clock.now() - before).total_seconds() == 60
        fault, requests, reset = (_pasted(line.replace("USERID", vendor.userid), host, port) for line in lines[5:])
        assert (fault["kind"], requests["items"][0]["operation"], reset["messages"]) == ("lose", "call", 0)


def _pasted(line: str, host: str, port: int) -> Any:
    arguments = shlex.split(line.replace("http://127.0.0.1:10692", f"http://{host}:{port}"))
    said = subprocess.run([*arguments, "--silent", "--fail"], capture_output=True, encoding="utf-8", check=True).stdout
    return json.loads(said)


@EACH_README
def test_every_option_is_in_its_table(readme: str) -> None:
    options = {name for option in serve_command.params for name in option.opts if name.startswith("--")}
    assert set(re.findall(r"(?<=`)--[a-z-]+", readme)) >= options
    assert not set(re.findall(r"^\| `(--[a-z-]+)", readme, re.MULTILINE)) - options


@EACH_README
def test_every_reserved_number_is_in_its_table(readme: str) -> None:
    named = set(re.findall(r"1000000\d{4}", readme))
    between = {f"1000000000{place}" for place in range(2, 8)}
    assert named | between == set(RESERVED_NUMBERS)
    assert "、".join(protocol.SEND.messages[1:]) in readme or ", ".join(protocol.SEND.messages[1:]) in readme


@EACH_README
def test_every_kind_of_fault_is_in_its_table(readme: str) -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE))
    assert set(get_args(Kind)) <= rows


@EACH_README
def test_every_address_is_in_its_table(readme: str) -> None:
    described = create_app().test_client().get("/_mock/openapi.json").json
    assert described is not None
    for path in described["paths"]:
        shown = re.sub(r"/\{(?!userid)\w+\}$", "", path.removeprefix("/_mock")).replace("{userid}", "USERID")
        head, _, last = shown.rpartition("/")
        assert f"`{shown}`" in readme or (f"`{head}`" in readme and f"`/{last}`" in readme), path


@EACH_README
def test_the_default_words_are_in_it(readme: str) -> None:
    assert "、".join(DEFAULT_WORDS) in readme or ", ".join(DEFAULT_WORDS) in readme


def test_both_say_the_same() -> None:
    for pattern in (r"^(#+) ", r"^\|[^-\n]", r"`(?:--)?[\w=/.-]+`", r"\((\w[\w/.#-]*)\)", r"\bR\d+\b"):
        english, chinese = re.findall(pattern, ENGLISH, re.MULTILINE), re.findall(pattern, CHINESE, re.MULTILINE)
        assert sorted(set(english)) == sorted(
            {"README.zh-CN.md" if found == "README.md" else found for found in chinese}
        ), pattern
    for pattern in (r"^#+ ", r"^\|"):
        assert len(re.findall(pattern, ENGLISH, re.MULTILINE)) == len(re.findall(pattern, CHINESE, re.MULTILINE))


@EACH_README
def test_every_link_leads_somewhere(readme: str) -> None:
    for file, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", readme)):
        assert (TOP / file).exists(), file
        if anchor:
            headings = re.findall(r"^#+ (.*)$", (TOP / file).read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).replace(" ", "-").lower() for heading in headings}


def test_the_manuals_request_is_the_readmes() -> None:
    form = re.findall(r"-d '([^']*)'", ENGLISH)[0]
    assert list(dict(parse_qsl(form))) == ["action", "userid", "timestamp", "sign", "mobile", "content"]
    assert WsgiHarness().ask(request("/v2sms.aspx", form.encode())).status == 200
