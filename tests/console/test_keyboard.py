"""Every flow of the console with the keyboard alone: the focus is visible, and stays where the person was."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page, Route, expect

from console.conftest import ConsoleAccount
from console.test_console_flows import console_text, press_tab_until
from support.browser import BROWSER_PROFILES, BrowserProfile, browser_page
from support.emulators import emulator_process

pytestmark = pytest.mark.slow("Drives Chromium.")

expect.set_options(timeout=60_000)

TOKEN = "t0ken"
HAS_VISIBLE_FOCUS = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return element !== document.body && element.matches(":focus-visible") && style.outlineStyle !== "none"
    && box.bottom > 0 && box.top < innerHeight;
}"""


def press_enter_on(page: Page, selector: str) -> None:
    """Go to the element with the Tab key, check that its focus can be seen, and press Enter."""
    press_tab_until(page, selector)
    assert page.evaluate(HAS_VISIBLE_FOCUS), selector
    page.keyboard.press("Enter")


def expect_focus_in_main(page: Page) -> None:
    """Wait until an element of the page's own part has the focus, and check that the focus can be seen."""
    expect(page.locator("main :focus")).to_have_count(1)
    assert page.evaluate(HAS_VISIBLE_FOCUS)


def expect_live(page: Page) -> None:
    expect(page.locator("#pause[data-state=live]")).to_be_visible()


@pytest.fixture(params=BROWSER_PROFILES[:2], ids=str)
def page_with_login(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    profile = request.param
    with (
        emulator_process("--token", TOKEN, "--log-level", "error") as (_, address),
        browser_page(browser, profile, f"http://{address[0]}:{address[1]}") as page,
    ):
        yield page


def test_login_language_theme_and_logout(page_with_login: Page) -> None:
    page = page_with_login
    page.goto("/faults")
    press_tab_until(page, "#token")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    press_tab_until(page, "#token")
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/faults"))
    language = page.locator("html").get_attribute("lang") or ""
    press_enter_on(page, ".choices a[hreflang]")
    expect(page.locator("html")).not_to_have_attribute("lang", language)
    press_enter_on(page, ".choices .theme")
    expect(page.locator("html")).to_have_attribute("data-theme", re.compile("light|dark"))
    press_enter_on(page, "#log-out")
    expect(page.locator("#token")).to_be_visible()


def test_a_list_is_filtered_and_a_request_opened_replayed_and_deleted(
    page: Page, account: ConsoleAccount, profile: BrowserProfile
) -> None:
    account.send("15023239810", "apple")
    account.send("10000000006", "pear")
    page.on("dialog", Dialog.accept)
    page.goto(account.page_path("/requests"))
    expect_live(page)
    press_tab_until(page, "[name=refused]")
    page.keyboard.press("Space")
    rows = page.locator(".requests tbody tr")
    expect(rows).to_have_count(1)
    expect(page.locator("[name=refused]")).to_be_focused()
    press_tab_until(page, "#by-text")
    page.keyboard.type("apple")
    expect(rows).to_have_count(0)
    expect(page.locator("#by-text")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    expect(rows).to_have_count(1)
    press_enter_on(page, ".requests th a")
    expect(page).to_have_url(re.compile("/requests/[0-9]+"))
    number = page.url.rpartition("/")[2].partition("?")[0]
    press_enter_on(page, ".jump a[href='#replay']")
    press_enter_on(page, "section:has(#replay) form button")
    expect(page.locator("#replayed #response")).to_contain_text("Faild")
    expect_focus_in_main(page)
    press_enter_on(page, f"#delete-{number}")
    expect(page).to_have_url(re.compile(r"/requests(\?|$)"))
    expect(page.locator("#live")).not_to_contain_text(f"#{number} ")


def test_deleting_a_row_leaves_the_focus_at_the_next_one(page: Page, account: ConsoleAccount) -> None:
    for content in ("first", "second", "third"):
        account.send("15023239810", content)
    page.on("dialog", Dialog.accept)
    page.goto(account.page_path("/requests"))
    expect_live(page)
    newest = account.control("GET", "/requests?order=desc&limit=1")["items"][0]["number"]
    press_enter_on(page, f"#delete-{newest - 1}")
    expect(page.locator(f"#r{newest - 1}")).to_have_count(0)
    expect(page.locator(f"#r{newest - 2}")).to_be_focused()
    assert page.evaluate(HAS_VISIBLE_FOCUS)


def test_the_phone_replies(page: Page, account: ConsoleAccount) -> None:
    account.send("15023239810", "hello")
    page.goto(account.page_path("/phone"))
    expect_live(page)
    for count, reply in enumerate(("T", "N"), start=1):
        if count == 1:
            press_tab_until(page, "#answer")
        page.keyboard.type(reply)
        page.keyboard.press("Enter")
        expect(page.locator(".bubble.out")).to_have_count(count)
        expect(page.locator("#answer")).to_be_focused()
        expect(page.locator("#answer")).to_have_value("")
    assert page.evaluate(HAS_VISIBLE_FOCUS)


def test_faults_are_switched_on_and_off(page: Page, account: ConsoleAccount) -> None:
    page.goto(account.page_path("/faults"))
    expect_live(page)
    press_enter_on(page, "#preset-down")
    expect(page.locator("#preset-down")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#preset-down")).to_be_focused()
    press_enter_on(page, ".entries form button")
    expect(page.locator("#preset-down")).to_have_attribute("aria-pressed", "false")
    expect_focus_in_main(page)
    press_tab_until(page, "#fault-times")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator(".entries li")).to_have_count(1)
    expect(page.locator("#fault-times")).to_be_focused()
    press_enter_on(page, "#remove-all")
    expect(page.locator(".entries li")).to_have_count(0)
    expect(page.locator(".banner")).to_have_count(0)
    expect_focus_in_main(page)


def test_an_account_is_found_in_the_dialog(page: Page, account: ConsoleAccount, profile: BrowserProfile) -> None:
    page.goto("/?userid=12")
    press_enter_on(page, "#choose-account")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    press_tab_until(page, "#find-account")
    page.keyboard.type(account.userid)
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    expect(page.locator("#find-account")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")  # the first one empties the search field
    expect(dialog).not_to_be_visible()
    expect(page.locator("#choose-account")).to_be_focused()
    page.keyboard.press("Enter")
    press_tab_until(page, "#find-account")
    page.keyboard.press("Control+A")
    page.keyboard.type(account.userid)
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    press_enter_on(page, f"#accounts-found a[href*='{account.userid}']")
    expect(page).to_have_url(re.compile(f"userid={account.userid}"))


def test_a_clause_and_a_chapter_are_tried(page: Page, account: ConsoleAccount, profile: BrowserProfile) -> None:
    page.goto(account.page_path("/contract", provenance="manual"))
    expect_live(page)
    press_enter_on(page, ".jump a[href='#group-2']")
    press_enter_on(page, "section[aria-labelledby=group-2] .try-all")
    chapter = page.get_by_role("region", name=console_text(profile, "contract.group_2"))
    expect(chapter.locator(".verdict .badge.good").first).to_be_visible()
    expect(page.locator("section[aria-labelledby=group-2] .try-all")).to_be_focused()
    assert page.evaluate(HAS_VISIBLE_FOCUS)
    press_enter_on(page, "[id='clause-2.3-found'] > button")
    expect(page.locator("[id='clause-2.3-found'] .result .badge.good").first).to_be_visible()
    expect(page.locator("[id='clause-2.3-found'] > button")).to_be_focused()


def test_a_live_update_at_the_moment_of_a_request_does_not_lose_the_focus(page: Page, account: ConsoleAccount) -> None:
    page.goto(account.page_path("/contract", provenance="manual"))
    expect_live(page)
    # The button is disabled, and Chromium has not yet taken the focus from it.
    page.evaluate("""() => document.addEventListener("htmx:beforeSend", ({ target }) => {
      if (target.disabled) document.dispatchEvent(new Event("htmx:afterSettle"));
    })""")

    def answer_late(route: Route) -> None:
        page.wait_for_function("document.activeElement === document.body")
        route.continue_()

    page.route("**/contract/try?*", answer_late)
    button = page.locator("[id='clause-2.3-found'] > button")
    press_enter_on(page, "[id='clause-2.3-found'] > button")
    expect(page.locator("[id='clause-2.3-found'] .result .badge.good").first).to_be_visible()
    expect(button).to_be_focused()


def test_a_send_keeps_the_focus_at_its_button(page: Page, account: ConsoleAccount) -> None:
    page.goto(account.page_path("/send"))
    expect_live(page)
    press_enter_on(page, "#send-button")
    expect(page.locator("#response")).to_contain_text("<message>ok</message>")
    expect(page.locator("#send-button:focus-visible")).to_have_count(
        1
    )  # on a phone, the response is scrolled into view


def test_a_live_update_keeps_the_focus(page: Page, account: ConsoleAccount) -> None:
    account.send("15023239810", "first")
    page.goto(account.page_path("/"))
    expect_live(page)
    press_tab_until(page, ".exports a")
    account.send("15023239810", "second")
    expect(page.locator(".messages tbody tr:has(th)")).to_have_count(2)
    expect(page.locator(".exports a").first).to_be_focused()
