"""States of the console's pages: errors beside a field, notifications, a lost connection, the reply box."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from console.conftest import ConsoleAccount, ServedEmulator
from console.test_console_pages import WITH_ONE_PROFILE, console_text, wait_for_live_updates
from support.browser import BrowserProfile, browser_page, find_serious_violations

pytestmark = pytest.mark.slow("Drives Chromium.")

expect.set_options(timeout=20_000)


def test_an_error_stands_beside_the_field_and_a_notification_can_be_closed(
    page: Page, account: ConsoleAccount, profile: BrowserProfile
) -> None:
    page.goto(account.page_path("/account"))
    page.locator("#points").fill("some")
    page.locator("#points").press("Enter")
    problem = console_text(profile, "error.not_a_number", field="points", value="some")
    expect(page.locator("#points + .field-error")).to_have_text(problem)
    expect(page.locator("#points")).to_have_accessible_description(problem)
    assert find_serious_violations(page) == []
    page.get_by_role("button", name=console_text(profile, "layout.close_notice")).click()
    expect(page.locator("#notice .notice")).to_have_count(0)
    page.locator("#points").fill("1")
    page.locator("#points").press("Enter")
    expect(page.locator("#notice .good")).to_be_visible()
    expect(page.locator(".field-error")).to_have_count(0)


@WITH_ONE_PROFILE
def test_seconds_can_be_typed_as_well_as_slid(page: Page, account: ConsoleAccount) -> None:
    account.control("PUT", "/clock", {"mode": "frozen", "now": "2011-12-02T22:12:11+08:00"})
    page.goto(account.page_path("/faults"))
    typed = page.locator("#ahead + .typed")
    page.locator("#ahead").fill("60")
    expect(typed).to_have_value("60")
    typed.fill("100001")
    typed.press("Enter")
    expect(page.locator("#notice .good")).to_be_visible()
    assert account.control("GET", "/clock")["now"] == "2011-12-04T01:58:52+08:00"
    typed.fill("later")
    typed.press("Enter")
    expect(typed).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#ahead ~ .field-error")).to_contain_text("later")


def test_a_filter_typed_without_a_connection_is_applied_when_it_is_back(
    page: Page, account: ConsoleAccount, profile: BrowserProfile
) -> None:
    account.send("15023239810", "apple")
    account.send("13527576163", "pear")
    page.goto(account.page_path("/"))
    wait_for_live_updates(page)
    page.evaluate("console.error = () => {}")  # htmx logs the failed request there
    page.route("**/*text=pear*", lambda route: route.abort())
    page.locator("#by-text").fill("pear")
    expect(page.locator("#pause")).to_have_attribute("data-state", "lost")
    expect(page.locator("#outdated")).to_have_text(console_text(profile, "layout.outdated"))
    expect(page.locator(".messages tbody tr")).to_have_count(2)
    page.unroute("**/*text=pear*")
    account.send("13527576163", "another pear")  # the page hears of it, so the connection is back
    expect(page.locator("#outdated")).to_be_hidden()
    expect(page.locator(".messages tbody tr")).to_have_count(2)
    expect(page.locator(".messages")).not_to_contain_text("apple")
    expect(page).to_have_url(re.compile("[?&]text=pear(&|$)"))


def test_an_update_that_a_filter_overtakes_does_not_replace_what_the_filter_found(
    page: Page, account: ConsoleAccount, profile: BrowserProfile
) -> None:
    account.send("15023239810", "apple")
    page.goto(account.page_path("/"))
    wait_for_live_updates(page)
    held: list[Route] = []

    def hold_first_update(route: Route) -> None:
        if held or "x-seen" not in route.request.headers:
            route.continue_()
        else:
            held.append(route)

    page.route("**", hold_first_update)
    with page.expect_request(lambda request: "x-seen" in request.headers):
        account.send("13527576163", "pear")
    filters: list[Route] = []
    page.route("**/*text=*", lambda route: filters.append(route))
    with page.expect_request("**/*text=*"):
        page.locator("#by-text").fill("appl")
    with page.expect_event("requestfinished", lambda request: request == held[0].request):
        held[0].continue_()
    page.unroute("**/*text=*")
    filters[0].continue_()
    expect(page.locator(".messages")).not_to_contain_text("pear")
    expect(page).to_have_url(re.compile("[?&]text=appl(&|$)"))
    page.locator("#by-text").fill("e")
    expect(page.locator(".messages tbody tr")).to_have_count(2)
    account.send("13527576163", "cherry")
    expect(page.locator(".messages")).to_contain_text("cherry")


SIZES = ((320, 568), (375, 667), (390, 844), (768, 1024), (899, 700), (1024, 600), (1280, 720), (2560, 1440))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("has_banner", [False, True])
def test_the_reply_box_is_in_view_at_every_size(
    browser: Browser, emulator: ServedEmulator, account: ConsoleAccount, language: str, has_banner: bool
) -> None:
    account.send("15023239810", "字" * 500)
    if has_banner:
        account.control("POST", "/faults", {"kind": "latency", "seconds": 0.01, "operations": ["overage"]})
    with browser_page(browser, BrowserProfile(language, 1280, "light"), emulator.url) as page:
        page.goto(account.page_path("/phone"))
        expect(page.locator(".banner")).to_have_count(int(has_banner))
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            bottom = page.locator("#answer").evaluate("(element) => element.getBoundingClientRect().bottom")
            assert bottom <= height, (width, height)


def test_a_request_is_edited_and_sent_again(page: Page, account: ConsoleAccount, profile: BrowserProfile) -> None:
    account.send("15023239810", "内容")
    page.goto(account.page_path("/requests"))
    page.locator("tbody th a").first.click()
    body = page.get_by_label(console_text(profile, "replay.body"), exact=True)
    expect(body).to_have_value(re.compile("content=内容"))
    body.fill(body.input_value().replace("内容", "新内容"))
    page.get_by_role("button", name=console_text(profile, "replay.send"), exact=True).click()
    expect(page.locator("#replayed #response")).to_contain_text("Success")
    assert find_serious_violations(page) == []
    body.fill("a\\z")
    page.get_by_role("button", name=console_text(profile, "replay.send"), exact=True).click()
    expect(page.locator("#body + .field-error")).to_contain_text("\\z")
    assert [message["content"] for message in account.control("GET", "/messages")["items"]] == ["内容", "新内容"]
