"""The console knows the profile in force: account page, page of keys, snippets, first command, explain page."""

import re
import shlex
from html import unescape
from urllib.parse import urlencode, urlsplit

import pytest
from werkzeug.test import TestResponse

from sms10692_mock.admin.console.snippets import LANGUAGES
from support.console import CONSOLE_HEADERS
from support.emulators import CREDENTIALS
from support.flask_emulator import FlaskEmulator

BRAND = """\
name = "某品牌"
text_signature = "end"
text_signature_min = 3
text_signature_max = 8
max_numbers = 1
extno_max_digits = 5
"""


@pytest.fixture
def emulator() -> FlaskEmulator:
    return FlaskEmulator(profile=["manual", BRAND], accounts=["21:shop:a"], account_profile=["21:某品牌"])


def read_page(emulator: FlaskEmulator, path: str) -> str:
    return unescape(emulator.http.get(path).text)


def test_the_account_page_gives_an_account_the_emulators_profile_again(emulator: FlaskEmulator) -> None:
    for chosen, in_force in (("observed", "observed"), ("某品牌", "某品牌"), ("", "manual")):
        form = {"can_read_queues": "on", "password": "", "profile": chosen}
        response = emulator.http.post("/account/settings?userid=12", data=form, headers=CONSOLE_HEADERS)
        assert response.status_code == 200
        account = emulator.control("GET", "accounts/12")
        assert (account["profile"], account["own_profile"]) == (in_force, chosen or None)
        page = read_page(emulator, "/account?userid=12")
        select = page.partition('<select id="profile"')[2].partition("</select>")[0]
        assert re.findall(r'<option value="([^"]*)"', select) == ["", "manual", "observed", "某品牌"]
        assert re.findall(r'<option value="([^"]*)" selected>', select) == ([chosen] if chosen else [])


def test_a_new_account_gets_the_chosen_profile(emulator: FlaskEmulator) -> None:
    emulator.http.post("/account/new", data={"points": "5", "profile": "某品牌"}, headers=CONSOLE_HEADERS)
    assert emulator.control("GET", "accounts")["accounts"][-1]["own_profile"] == "某品牌"


@pytest.mark.parametrize(
    ("language", "in_header", "meaning", "origin"),
    [
        ("en", "Profile: 某品牌", "Most digits of extno.", "observed M"),
        ("zh", "品牌配置：某品牌", "extno 最多的位数。", "观察 M"),
    ],
)
def test_every_page_names_the_profile_and_links_to_its_keys(
    emulator: FlaskEmulator, language: str, in_header: str, meaning: str, origin: str
) -> None:
    for path in ("/", "/account", "/phone", "/explain"):
        page = read_page(emulator, f"{path}?userid=21&lang={language}")
        link = re.search(r'<a class="profile" href="/profile\?userid=21">(.*?)</a>', page)
        assert link is not None
        assert re.sub("<.*?>", "", link[1]) == in_header
    page = read_page(emulator, f"/profile?userid=21&lang={language}")
    rows = page.partition('id="profile-keys"')[2].split("<tr")[2:]
    changed = [re.findall("<code>(.*?)</code>", row)[:3] for row in rows if 'class="changed"' in row]
    no_limit = {"en": "no limit", "zh": "不限"}[language]
    assert changed == [
        ["extno_max_digits", "5", "10"],
        ["max_numbers", "1", no_limit],
        ["text_signature", '"end"', '"optional"'],
        ["text_signature_min", "3", no_limit],
        ["text_signature_max", "8", no_limit],
    ]
    assert meaning in rows[0]
    assert origin in rows[0]
    assert 'class="changed"' not in read_page(emulator, "/profile?userid=12")


@pytest.mark.parametrize("authentication", ["signed", "password"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_of_each_program_is_accepted_by_the_profile(
    emulator: FlaskEmulator, language: str, authentication: str
) -> None:
    for userid, text in (("12", "【签名】您的验证码是 1234"), ("21", "您的验证码是 1234【签名签】")):
        page = read_page(emulator, f"/account?userid={userid}&authentication={authentication}")
        program = page.partition(f'id="program-{language}"')[2].partition("</pre>")[0]
        assert (text if language != "java" else text.encode("ascii", "backslashreplace").decode()) in program
        account = emulator.control("GET", f"accounts/{userid}")
        assert "<message>ok<" in emulator.send(account, content=text)


def test_the_first_command_is_accepted_by_the_profile(emulator: FlaskEmulator) -> None:
    commands = re.findall("<pre[^>]*>(curl .*?)</pre>", read_page(emulator, "/?userid=21"), re.DOTALL)
    assert len(commands) == 2
    for command in commands:
        _, url, _, form = shlex.split(command)
        response = emulator.http.post(urlsplit(url).path, data=form, content_type="application/x-www-form-urlencoded")
        assert "<message>ok</message>" in response.text


def post(emulator: FlaskEmulator, form: dict[str, str]) -> TestResponse:
    return emulator.http.post("/explain?lang=en", data=form, headers=CONSOLE_HEADERS)


def test_the_explain_page_explains_under_the_chosen_profile(emulator: FlaskEmulator) -> None:
    pasted = f"action=send&{urlencode(CREDENTIALS)}&mobile=15023239810&content=x"
    for chosen, in_force in (("", "manual"), ("某品牌", "某品牌"), ("observed", "observed")):
        page = unescape(post(emulator, {"request": pasted, "profile": chosen}).text)
        assert ("text does not end with a 【signature】" in page) == (chosen == "某品牌")
        assert f"By the rules of the profile {in_force}." in page
    refused = post(emulator, {"request": pasted, "profile": "nope"})
    assert refused.status_code == 422
    assert "no profile is called 'nope'" in unescape(refused.text)
