"""Lists of the console in a browser: relative times, copied codes, unfolded texts."""

import re

import pytest
from playwright.sync_api import Dialog, Page, expect

from console.conftest import ConsoleAccount
from console.test_console_pages import console_text, wait_for_live_updates
from support.browser import BrowserProfile, find_serious_violations

pytestmark = pytest.mark.slow("Drives Chromium.")

expect.set_options(timeout=60_000)


def test_a_code_is_copied_and_an_unfolded_text_survives_an_update(
    page: Page, account: ConsoleAccount, profile: BrowserProfile
) -> None:
    account.send(content="【签名】您的验证码是 4827，" + "字" * 300)
    page.goto(account.page_path("/"))
    wait_for_live_updates(page)
    page.get_by_role("button", name=console_text(profile, "list.copy_code", code="4827")).click()
    expect(page.get_by_role("button", name=console_text(profile, "layout.copied"))).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "4827"
    page.get_by_text(console_text(profile, "list.unfold")).click()
    expect(page.get_by_text(console_text(profile, "list.fold"))).to_be_visible()
    account.send(content="second")
    expect(page.locator(".messages tbody tr")).to_have_count(2)
    expect(page.locator(".unfolds")).to_have_attribute("open", "")


def test_relative_times_follow_the_clock_of_the_account(
    page: Page, account: ConsoleAccount, profile: BrowserProfile
) -> None:
    account.control("PUT", "/clock", {"mode": "frozen"})
    account.send(content="first")
    account.control("POST", "/clock/advance", {"seconds": 7230.0})
    page.goto(account.page_path("/"))
    ago = {"zh": "2小时前", "en": "2 hours ago"}[profile.language]
    expect(page.locator(".messages .times time").first).to_have_attribute("data-ago", ago)
    page.goto(account.page_path("/requests"))
    # The request was received at the real time.
    expect(page.locator(".list time").first).to_have_attribute("data-ago", re.compile("秒|分|现在|now|second|minute"))


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_request_is_deleted_only_after_a_confirmation(
    page: Page, account: ConsoleAccount, profile: BrowserProfile, is_confirmed: bool
) -> None:
    account.send(content="first")
    account.send(content="second")
    page.goto(account.page_path("/requests"))
    wait_for_live_updates(page)
    expect(page.locator(".list tbody tr")).to_have_count(2)
    page.on("dialog", lambda dialog: dialog.accept() if is_confirmed else dialog.dismiss())
    newest = account.control("GET", "/requests?order=desc&limit=1")["items"][0]["number"]
    label = console_text(profile, "requests.delete_number", number=newest)
    page.get_by_role("button", name=label).click()
    account.send(content="third")
    expect(page.locator(".list tbody tr")).to_have_count(2 if is_confirmed else 3)
    expect(page.get_by_role("button", name=label)).to_have_count(0 if is_confirmed else 1)


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_message_is_deleted_with_the_keyboard_only_after_a_confirmation(
    page: Page, account: ConsoleAccount, profile: BrowserProfile, is_confirmed: bool
) -> None:
    for content in ("first", "second"):
        account.send(content=content)
    page.goto(account.page_path("/"))
    wait_for_live_updates(page)
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.accept() if is_confirmed else dialog.dismiss()

    page.on("dialog", answer)
    page.get_by_role("button", name=console_text(profile, "messages.delete_number", number=1), exact=True).press(
        "Enter"
    )
    account.send(content="third")
    texts = page.locator(".messages .content")
    expect(texts).to_have_text(["third", "second"] if is_confirmed else ["third", "second", "first"])
    assert questions == [console_text(profile, "messages.confirm_delete", number=1)]
    page.locator("#delete-all").press("Enter")
    expect(texts).to_have_count(0 if is_confirmed else 3)
    if is_confirmed:
        expect(page.locator("#live .none")).to_have_text(console_text(profile, "messages.none_left"))
    assert account.control("GET", "/queue-stats")["reports"]["waiting"] == 3


WIDTHS = (320, 375, 640, 700, 768, 899, 900, 1024, 1149, 1150, 1280, 1440, 2560)


@pytest.mark.parametrize("path", ["/", "/requests", "/queues"])
def test_no_column_is_lost_and_no_word_is_broken_at_any_width(page: Page, account: ConsoleAccount, path: str) -> None:
    account.send(content="【签名】您的验证码是 4827")
    page.goto(account.page_path(path))
    cells = page.locator(".list tbody tr").first.locator("th, td")
    lines = "(element) => element.getBoundingClientRect().height / parseFloat(getComputedStyle(element).lineHeight)"
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for index in range(cells.count()):
            box = cells.nth(index).bounding_box()
            assert box is not None, (width, index)
            assert box["width"] > 0, (width, index)
            assert box["x"] + box["width"] <= width, (width, index)
        # A number, a task or an endpoint is one word: its link takes one line.
        assert page.locator(".list tbody tr th a").first.evaluate(lines) < 1.9, width


@pytest.mark.parametrize("width", [320, 900, 1149, 1440])
def test_messages_are_cards_with_labels_where_the_table_does_not_fit(
    page: Page, account: ConsoleAccount, width: int
) -> None:
    account.send(mobile="15023239810,13527576163", content="【签名】您的验证码是 4827，" + "字" * 300)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(account.page_path("/"))
    label = page.locator(".messages .state").first.evaluate("(cell) => getComputedStyle(cell, '::before').content")
    assert (label == "none") is (width == 1440)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for button in page.locator(".list .delete, #delete-all, #delete-of-all-accounts").all():
        box = button.bounding_box()
        assert box is not None
        assert 0 <= box["x"] < box["x"] + box["width"] <= width
    assert find_serious_violations(page) == []
