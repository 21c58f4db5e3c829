"""What a demonstration does in the console, at four widths, also with the keyboard alone, without findings of axe."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from console.conftest import ConsoleAccount, ServedEmulator
from sms10692_mock.admin.console.i18n import Language, text
from support.browser import BrowserProfile, browser_page, find_serious_violations

pytestmark = pytest.mark.slow("Drives Chromium.")

expect.set_options(timeout=30_000)

PROFILES = (
    BrowserProfile("zh", 375, "light"),
    BrowserProfile("en", 768, "dark"),
    BrowserProfile("zh", 1024, "dark"),
    BrowserProfile("en", 1440, "light"),
)
"""Each language and theme, at four widths."""


@pytest.fixture(params=PROFILES, ids=str)
def profile(request: pytest.FixtureRequest) -> BrowserProfile:
    selected = request.param
    assert isinstance(selected, BrowserProfile)
    return selected


@pytest.fixture
def page(browser: Browser, emulator: ServedEmulator, profile: BrowserProfile) -> Iterator[Page]:
    with browser_page(browser, profile, emulator.url) as opened_page:
        yield opened_page
        assert opened_page.evaluate("document.documentElement.scrollWidth") <= profile.width


def console_text(profile: BrowserProfile, key: str, **values: object) -> str:
    """Return a text of the console in the language of this profile."""
    language: Language = "zh" if profile.language == "zh" else "en"
    return text(language, key, **values)


def press_tab_until(page: Page, focused: str) -> None:
    """Press Tab until the element of this selector has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement?.matches(selector)", focused):
            return
    raise AssertionError(f"Tab does not reach {focused}")


def test_a_message_is_sent_refused_sent_again_and_appears_on_the_phone(
    page: Page, account: ConsoleAccount, profile: BrowserProfile
) -> None:
    page.goto(account.page_path("/"))
    page.get_by_role("link", name=console_text(profile, "page.send"), exact=True).first.click()
    page.get_by_label(console_text(profile, "send.content")).fill("字" * 71)
    expect(page.locator("#segments strong")).to_have_text("2")
    expect(page.locator("#cost strong")).to_have_text(console_text(profile, "cost.points", points=2))
    page.get_by_label(console_text(profile, "send.content")).fill("【晨光】您的验证码是 482913 😀")
    expect(page.locator("#gbk")).to_contain_text("😀")
    send_button = page.get_by_role("button", name=console_text(profile, "send.button"), exact=True)
    send_button.click()
    expect(page.locator("#response")).to_contain_text("<message>ok</message>")
    expect(page.locator("#sent")).to_contain_text("action=send")

    page.get_by_text(console_text(profile, "send.reserved")).click()
    page.get_by_role("button", name="10000000006").click()
    expect(page.get_by_label(console_text(profile, "send.mobile"))).to_have_value("15023239810,10000000006")
    expect(page.locator("#cost strong")).to_have_text(console_text(profile, "cost.points", points=2))
    send_button.click()
    expect(page.locator("#sent .badge.bad").first).to_have_text(console_text(profile, "requests.refused"))
    expect(page.locator("#sent .finding")).to_be_visible()

    page.goto(account.page_path("/"))
    page.get_by_role("link", name=console_text(profile, "send.again")).click()
    expect(page.get_by_label(console_text(profile, "send.mobile"))).to_have_value("15023239810")
    page.locator("#again-button").click()
    expect(page.locator("#response")).to_contain_text("<message>ok</message>")
    assert find_serious_violations(page) == []
    page.get_by_role("link", name=console_text(profile, "send.show_phone")).click()
    expect(page.locator(".bubble.in")).to_have_count(2)
    expect(page.locator(".bubble.in").first).to_contain_text("482913")


def test_a_message_is_sent_with_the_keyboard_alone(
    page: Page, account: ConsoleAccount, profile: BrowserProfile
) -> None:
    page.goto(account.page_path("/"))
    press_tab_until(page, "a[href^='/send']")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/send\?"))
    press_tab_until(page, "#mobile")
    page.keyboard.press("Control+A")
    page.keyboard.type("13700001111")
    press_tab_until(page, "#content")
    page.keyboard.press("Control+A")
    page.keyboard.type("by keyboard")
    press_tab_until(page, "#send-button")
    page.keyboard.press("Enter")
    expect(page.locator("#response")).to_contain_text("<message>ok</message>")
    page.goto(account.page_path("/phone", mobile="13700001111"))
    expect(page.locator(".bubble.in")).to_contain_text("by keyboard")


def test_presets_say_what_they_changed_and_undo_only_that(
    page: Page, account: ConsoleAccount, profile: BrowserProfile
) -> None:
    account.control("POST", "/faults", {"kind": "status", "status": 503, "probability": 0.0})
    page.goto(account.page_path("/faults"))
    expect(page.locator("#pause[data-state=live]")).to_be_visible()
    page.locator("#preset-down").click()
    fault = console_text(profile, "fault.status")
    added = console_text(profile, "preset.down_did", userid=account.userid, fault=fault)
    expect(page.locator("#notice")).to_contain_text(added)
    assert "503" in account.send()
    active = page.locator(".entries .struck")
    expect(active).to_have_count(2)
    expect(active.last).to_contain_text(console_text(profile, "faults.struck", triggered=1, evaluated=1))
    expect(active.first).to_contain_text(console_text(profile, "faults.struck", triggered=0, evaluated=1))
    expect(active.last).to_contain_text(console_text(profile, "faults.since"))
    page.locator("#preset-low_balance").click()
    changed = console_text(profile, "preset.low_balance_did", userid=account.userid, points=999, remaining=1)
    expect(page.locator("#notice")).to_contain_text(changed)
    page.locator("#preset-down").click()
    expect(active).to_have_count(1)
    page.locator("#preset-low_balance").click()
    expect(page.locator("#preset-low_balance")).to_have_attribute("aria-pressed", "false")
    assert "<remainpoint>999</remainpoint>" in account.send()
    assert find_serious_violations(page) == []


def test_trying_a_clause_and_a_chapter_gives_verdicts(
    page: Page, account: ConsoleAccount, profile: BrowserProfile
) -> None:
    page.goto(account.page_path("/contract", provenance="manual"))
    page.locator("[id='clause-2.3-found'] button").click()
    verdict = page.locator("[id='clause-2.3-found'] .result")
    expect(verdict.locator(".badge").first).to_have_text(console_text(profile, "contract.as_expected"))
    expect(verdict.locator(".expected")).to_have_count(2)
    chapter = page.get_by_role("region", name=console_text(profile, "contract.group_2"))
    chapter.get_by_role("button", name=console_text(profile, "contract.try_all")).press("Enter")
    expect(chapter.locator(".verdict > p .badge.good")).to_be_visible()
    expect(chapter.locator(".verdicts .badge.bad")).to_have_count(0)
    assert find_serious_violations(page) == []
