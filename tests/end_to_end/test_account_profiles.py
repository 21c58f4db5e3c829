"""Brands side by side: two accounts of different profiles in one emulator, two emulators of different profiles."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from sms10692_mock.config import Options
from sms10692_mock.emulator import Emulator
from sms10692_mock.profile_file import read_profile
from support.emulators import GBK, STATUS, UTF8, emulator_process, sign
from support.http_client import Address, build_request, parse_address, send_raw

EAST = """\
name = "east"
extno_max_digits = 5
text_signature = "front"
receivetime = "slashes"
texts.text-signature-front = "短信必须带【】格式签名"
"""
WEST = """\
name = "west"
base = "observed"
line_end = "crlf"
texts.forbidden-word = "包含屏蔽词：{word}"
"""


def post(address: Address, userid: str, name: str, password: str, path: str = UTF8, **fields: str) -> str:
    """Send a signed request and return the body as it is on the wire."""
    encoding = "gbk" if path == GBK else "utf-8"
    signed = {"userid": userid, "timestamp": "20111202221211", "sign": sign(name, password, "20111202221211")}
    form = urlencode(signed | fields, encoding=encoding).encode()
    return send_raw(address, build_request(path, form)).body.decode(encoding)


def refusal(message: str, line_end: str = "\n") -> str:
    return line_end.join(
        (
            '<?xml version="1.0" encoding="utf-8" ?><returnsms>',
            " <returnstatus>Faild</returnstatus>",
            f" <message>{message}</message>",
            " <remainpoint>0</remainpoint>",
            " <taskID>0</taskID>",
            " <successCounts>0</successCounts></returnsms>",
        )
    )


@pytest.fixture(scope="module")
def brands(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("brands")
    for name, text in (("east", EAST), ("west", WEST)):
        (folder / f"{name}.toml").write_text(text, "utf-8")
    return [str(folder / "east.toml"), str(folder / "west.toml")]


def test_two_accounts_of_different_profiles_in_one_emulator(brands: list[str]) -> None:
    arguments = ["--account", "21:east:a", "--account", "22:west:b", "--account", "23:plain:c"]
    arguments += ["--profile", brands[0], "--profile", brands[1]]
    arguments += ["--account-profile", "22:west", "--account-profile", "23:manual"]
    with emulator_process(*arguments) as (_, address):
        east, west, plain = ("21", "east", "a"), ("22", "west", "b"), ("23", "plain", "c")
        send = {"action": "send", "mobile": "15023239810", "content": "您好"}
        assert post(address, *east, **send) == refusal("短信必须带【】格式签名")
        assert "<message>ok</message>" in post(address, *west, **send)
        assert "<message>ok</message>" in post(address, *plain, **send)
        word = send | {"content": "【店】代开发票"}
        assert post(address, *east, **word) == refusal("包含非法字符：")
        assert post(address, *west, **word) == refusal("包含屏蔽词：发票", "\r\n")
        assert post(address, *plain, **word) == refusal("包含非法字符：")
        extno = send | {"content": "【店】您好", "extno": "123456"}
        assert post(address, *east, **extno) == refusal("其他错误")
        assert "<message>ok</message>" in post(address, *plain, **extno)
        check = {"action": "checkkeyword", "content": "内容"}
        assert "<checkCounts>内容</checkCounts>" in post(address, *west, path=GBK, **check)
        assert "checkCounts" not in post(address, *plain, path=GBK, **check)
        assert "<extno><![CDATA[]]></extno>" in post(address, *west, path=STATUS, action="query")
        assert "<extno></extno>" in post(address, *plain, path=STATUS, action="query")


def test_two_emulators_of_different_profiles_in_one_run(brands: list[str]) -> None:
    send = {"action": "send", "mobile": "15023239810", "content": "【店】代开发票"}
    with (
        Emulator(Options(profiles=(read_profile(EAST, Path("e")),))) as east,
        Emulator(Options(profiles=(read_profile(WEST, Path("w")),))) as west,
        emulator_process("--profile", brands[1]) as (_, address),
    ):
        assert [emulator.control.profile().name for emulator in (east, west)] == ["east", "west"]
        with east.account(userid="21", account="shop", password="a") as first, west.account() as second:
            assert (first.profile().keys["extno_max_digits"], second.profile().keys["extno_max_digits"]) == (5, 10)
            served = parse_address(east.url)
            assert post(served, "21", "shop", "a", **send) == refusal("包含非法字符：")
        assert post(address, "12", "test", "mima", **send) == refusal("包含屏蔽词：发票", "\r\n")
