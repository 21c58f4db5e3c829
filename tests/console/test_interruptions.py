"""Live updates after an interruption: a worker that is gone, responses that are late or never come, a failure."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from console.conftest import ConsoleAccount
from console.test_console_pages import WITH_ONE_PROFILE, wait_for_live_updates

pytestmark = [pytest.mark.slow("Drives Chromium."), WITH_ONE_PROFILE]

expect.set_options(timeout=60_000)

_RECORD_STATES = """
const button = document.getElementById("pause");
window.states = [];
new MutationObserver(() => states.push(button.dataset.state)).observe(button, { attributes: true });
"""

_KEEP_PORTS = """
const Started = SharedWorker;
window.ports = [];
window.SharedWorker = function (...values) {
  const worker = new Started(...values);
  ports.push(worker.port);
  return worker;
};
"""


def test_a_page_whose_worker_is_gone_says_so_and_starts_another(page: Page, account: ConsoleAccount) -> None:
    page.clock.install()
    page.add_init_script(_KEEP_PORTS)
    page.goto(account.page_path("/"))
    wait_for_live_updates(page)
    page.evaluate(_RECORD_STATES)
    page.evaluate("ports[0].close()")  # nothing of the worker arrives any more, and no event tells it
    account.send(content="unheard")
    page.clock.fast_forward(15_000)
    expect(page.locator(".messages")).to_contain_text("unheard")
    wait_for_live_updates(page)
    assert "lost" in page.evaluate("states")
    assert page.evaluate("ports.length") == 2
    account.send(content="heard")
    expect(page.locator(".messages")).to_contain_text("heard")


def test_an_update_whose_response_never_comes_does_not_end_the_updates(page: Page, account: ConsoleAccount) -> None:
    account.send(content="first")
    page.goto(account.page_path("/"))
    wait_for_live_updates(page)
    page.evaluate("console.error = () => {}")  # htmx logs the failed request there
    assert page.evaluate("htmx.config.timeout") > 0
    held: list[Route] = []

    def hold_updates(route: Route) -> None:
        if "x-seen" in route.request.headers:
            held.append(route)
        else:
            route.continue_()

    page.route("**", hold_updates)
    page.evaluate("htmx.config.timeout = 300")
    account.send(content="second")
    expect(page.locator("#pause")).to_have_attribute("data-state", "lost")
    expect(page.locator(".messages tbody tr")).to_have_count(1)
    page.evaluate("htmx.config.timeout = 120000")
    page.unroute("**")
    expect(page.locator(".messages tbody tr")).to_have_count(2)
    wait_for_live_updates(page)
    assert held


def test_a_filter_that_the_store_could_not_answer_is_applied_when_it_can(page: Page, account: ConsoleAccount) -> None:
    account.send("15023239810", "apple")
    account.send("13527576163", "pear")
    page.goto(account.page_path("/"))
    wait_for_live_updates(page)
    page.evaluate("console.error = () => {}")  # htmx logs the failed request there
    page.evaluate(_RECORD_STATES)
    page.route("**/*text=pear*", lambda route: route.fulfill(status=503, body="away"))
    with page.expect_response(lambda response: response.status == 503):
        page.locator("#by-text").fill("pear")
    page.unroute("**/*text=pear*")
    expect(page.locator(".messages tbody tr")).to_have_count(1)
    expect(page.locator(".messages")).not_to_contain_text("apple")
    expect(page).to_have_url(re.compile("[?&]text=pear(&|$)"))
    assert "failing" in page.evaluate("states")


def test_older_rows_that_come_after_a_filter_are_not_shown(page: Page, account: ConsoleAccount) -> None:
    for number in range(52):
        account.send("15023239810", f"apple {number}")
    page.goto(account.page_path("/"))
    wait_for_live_updates(page)
    held: list[Route] = []
    page.route("**/*after=*", lambda route: held.append(route))
    with page.expect_request("**/*after=*"):
        page.locator("#older a").press("Enter")
    page.locator("#by-text").fill("apple 51")
    expect(page.locator(".messages tbody tr")).to_have_count(1)
    with page.expect_event("requestfinished", lambda request: request == held[0].request):
        held[0].continue_()
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(page.locator(".messages tbody tr")).to_have_count(1)
    page.locator("#pause").press("Enter")
    wait_for_live_updates(page)
    account.send("15023239810", "apple 51 again")
    expect(page.locator(".messages tbody tr")).to_have_count(2)
