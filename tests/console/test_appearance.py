"""Appearance of every console page: no overflow at any width, no accessibility finding, hostile content as text."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from console.conftest import ConsoleAccount, ServedEmulator
from sms10692_mock.admin.console.layout import PAGES as MENU
from support import timings
from support.browser import BROWSER_PROFILES, BrowserProfile, browser_page, find_serious_violations
from support.http_client import TIMEOUT

pytestmark = pytest.mark.slow("Drives Chromium.")

HOSTILE = (
    "<script>document.title='hacked'</script><img src=x onerror=alert(1)>",
    "【<b>签名</b>】\"quoted\" 'single' & &amp; {{ 7*7 }} ${7*7}",
    "\u202eright to left \u0634\u0643\u0631\u0627 \u2066",
    "Z̸̢͝a̵̡͘l̷̨̛g̴̢̛o" * 20 + "e\u0301" * 200,
    "😀👩‍👩‍👧‍👦🏳️‍🌈" * 30,
    "字" * 2000,
    "long" * 500,
)
HOSTILE_NUMBER = "<script>document.title='hacked'</script>"
LONG_NUMBER = "1380013800013800138000"
HOSTILE_ACCOUNT = "<script>document.title=1</script>"

PAGES = (
    "/",
    "/phone",
    "/requests",
    "/queues",
    "/queues?queue=replies",
    "/account",
    "/faults",
    "/contract?provenance=observed",
    "/profile",
    "/send",
    "/accounts",
    "/requests?whose=all",
)


@pytest.fixture(scope="module")
def busy_account(emulator: ServedEmulator) -> Iterator[ConsoleAccount]:
    """An account with hostile texts and numbers, faults, delivery rules and a changed clock."""
    created = ConsoleAccount(emulator, emulator.control("POST", "accounts", {"points": 10_000}))
    for content in HOSTILE:
        created.send("15023239810", content, extno="01")
    created.send(HOSTILE_NUMBER, "to an invalid number", extno="0" * 60)
    created.send(f"{LONG_NUMBER},+8613800138000,{'1' * 500}", "to an invalid number")
    created.send("10000000020,10000000022,10000000023,10000000031", "delivery rules")
    created.post("/v2statusApi.aspx", action="query", statusNum="3")
    created.post("/v2callApi.aspx", action="query")
    created.post("/v2smsGBK.aspx", action="send", mobile="15023239810", content="您的验证码是 1234")
    task = created.control("GET", "/messages?limit=1")["items"][0]["task_id"]
    for content in HOSTILE[:3]:
        created.control("POST", "/replies", {"mobile": "15023239810", "content": content})
        created.control("POST", "/reports", {"mobile": HOSTILE_NUMBER, "task_id": task, "errorcode": content})
    created.control("POST", "/faults", {"kind": "latency", "seconds": 0.01, "operations": ["overage"]})
    created.control(
        "POST", "/delivery-rules", {"number": "139", "outcome": "failed", "reply": HOSTILE[0], "delay": 60.0}
    )
    created.control("POST", "/clock/advance", {"seconds": 5.0})
    yield created
    emulator.control("DELETE", f"accounts/{created.userid}")


def page_paths(account: ConsoleAccount) -> list[str]:
    """Return the paths of all pages for this account, and of its newest request."""
    newest = account.control("GET", "/requests?order=desc&limit=1")["items"][0]["number"]
    pages = [f"{path}{'&' if '?' in path else '?'}userid={account.userid}" for path in PAGES]
    return [
        *pages,
        f"/requests/{newest}?userid={account.userid}",
        f"/phone?userid={account.userid}&mobile=15023239810",
    ]


@pytest.mark.parametrize("profile", BROWSER_PROFILES, ids=str)
def test_every_page_fits_and_shows_hostile_content_as_text(
    browser: Browser, emulator: ServedEmulator, busy_account: ConsoleAccount, profile: BrowserProfile
) -> None:
    with browser_page(browser, profile, emulator.url) as page:
        for path in page_paths(busy_account):
            page.goto(path, wait_until="domcontentloaded")
            expect(page.locator("h1")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= profile.width, path
            assert "hacked" not in page.title()
            assert page.evaluate("document.querySelectorAll('main script, main img').length") == 0, path
        page.goto(busy_account.page_path("/"))
        expect(page.locator(".messages")).to_contain_text(HOSTILE[0])
        expect(page.locator(".messages")).to_contain_text(HOSTILE_NUMBER)


WIDTHS = sorted({*range(320, 1601, 20), 1920, 2560, 375, 701, 719, 720, 721, 768, 899, 901, 1024, 1149})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_scrolls_sideways_at_any_width(
    browser: Browser, emulator: ServedEmulator, busy_account: ConsoleAccount, language: str
) -> None:
    too_wide = []
    with browser_page(browser, BrowserProfile(language, 1600, "light"), emulator.url) as page:
        for path in page_paths(busy_account):
            page.goto(path, wait_until="domcontentloaded")
            expect(page.locator("h1")).to_be_visible()
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                overflow = page.evaluate("document.documentElement.scrollWidth") - width
                too_wide += [(path, width, overflow)] if overflow > 0 else []
    assert too_wide == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_report_and_number_of_a_message_are_visible_at_any_width(
    browser: Browser, emulator: ServedEmulator, busy_account: ConsoleAccount, language: str
) -> None:
    hidden, wrapped = [], []
    with browser_page(browser, BrowserProfile(language, 1600, "light"), emulator.url) as page:
        page.goto(busy_account.page_path("/"))
        number = page.locator(".messages .mobile", has_text=LONG_NUMBER).first
        assert number.inner_text() == LONG_NUMBER
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            edges = page.eval_on_selector_all(
                ".messages .state .badge",
                "elements => elements.map((element) => element.getBoundingClientRect().right)",
            )
            hidden += [width] if not edges or max(edges) > width else []
            height = number.evaluate(
                "(element) => element.clientHeight / parseFloat(getComputedStyle(element).fontSize)"
            )
            wrapped += [width] if height > 2 else []
    assert (hidden, wrapped) == ([], [])


def test_a_hex_dump_line_fits_on_a_desktop(
    browser: Browser, emulator: ServedEmulator, busy_account: ConsoleAccount
) -> None:
    with browser_page(browser, BROWSER_PROFILES[1], emulator.url) as page:
        page.goto(next(path for path in page_paths(busy_account) if path.startswith("/requests/")))
        for dump in ("#body-hex", "#response-hex"):
            page.locator(f"{dump} summary").click()
            expect(page.locator(f"{dump} pre")).to_be_visible()
        hidden = page.eval_on_selector_all(
            "pre.hex", "elements => elements.map((element) => element.scrollWidth - element.clientWidth)"
        )
    assert hidden
    assert max(hidden) <= 0


@pytest.mark.parametrize("width", [320, 375])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_header_is_one_line_on_a_phone(
    browser: Browser, emulator: ServedEmulator, language: str, width: int
) -> None:
    emulator.control("PUT", "profiles/a-brand-with-a-long-name", {"extno_max_digits": 5})
    settings = {"userid": f"1069212345678{width}{language}", "profile": "a-brand-with-a-long-name"}
    account = emulator.control("POST", "accounts", settings)
    with browser_page(browser, BrowserProfile(language, width, "light"), emulator.url) as page:
        page.goto(f"/?userid={account['userid']}")
        expect(page.locator("#pause")).to_have_attribute("data-state", "live")
        first, last = page.locator(".brand").bounding_box(), page.locator(".choices").bounding_box()
        assert first is not None
        assert last is not None
        assert last["y"] < first["y"] + first["height"]


def test_a_page_without_a_live_part_shows_no_state_of_live_updates(browser: Browser, emulator: ServedEmulator) -> None:
    with browser_page(browser, BROWSER_PROFILES[1], emulator.url) as page:
        for path, is_live in (("/requests", True), ("/explain", False), ("/requests/999999999", False)):
            page.goto(f"{path}?userid=12")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            expect(page.locator("#pause")).to_be_visible(visible=is_live)


@pytest.mark.parametrize("profile", BROWSER_PROFILES[:2], ids=str)
def test_every_page_is_in_the_visible_part_of_the_menu(
    browser: Browser, emulator: ServedEmulator, busy_account: ConsoleAccount, profile: BrowserProfile
) -> None:
    with browser_page(browser, profile, emulator.url) as page:
        page.goto(busy_account.page_path("/"))
        edges = page.eval_on_selector_all(
            ".menu a", "elements => elements.map((element) => element.getBoundingClientRect().right)"
        )
    assert len(edges) == len(MENU)
    assert max(edges) <= profile.width


def test_a_reply_can_be_written_without_scrolling(
    browser: Browser, emulator: ServedEmulator, busy_account: ConsoleAccount
) -> None:
    with browser_page(browser, BROWSER_PROFILES[1], emulator.url) as page:
        page.goto(busy_account.page_path("/phone", mobile="15023239810"))
        expect(page.locator(".banner")).to_be_visible()
        page.locator("#answer").fill("T")
        page.locator("#answer").press("Enter")
        expect(page.locator("#notice .good")).to_be_visible()
        assert page.locator("#answer").evaluate("(element) => element.getBoundingClientRect().bottom") < 800


@pytest.mark.parametrize("profile", BROWSER_PROFILES[:2], ids=str)
def test_axe_finds_no_serious_violation_on_any_page(
    browser: Browser, emulator: ServedEmulator, busy_account: ConsoleAccount, profile: BrowserProfile
) -> None:
    serious: list[str] = []
    with browser_page(browser, profile, emulator.url) as page:
        for path in page_paths(busy_account):
            page.goto(path, wait_until="domcontentloaded")
            serious += [f"{path}: {violation}" for violation in find_serious_violations(page)]
    assert serious == []


def test_axe_finds_no_serious_violation_on_first_login_and_error_pages(
    browser: Browser, emulator: ServedEmulator, account: ConsoleAccount
) -> None:
    with browser_page(browser, BROWSER_PROFILES[1], emulator.url) as page:
        for path in (account.page_path("/"), "/login", "/requests/999999", "/nosuch"):
            page.goto(path, wait_until="domcontentloaded")
            assert find_serious_violations(page) == []


@pytest.mark.parametrize("profile", BROWSER_PROFILES[:2], ids=str)
def test_axe_finds_no_serious_violation_in_the_explanation_of_a_pasted_request(
    browser: Browser, emulator: ServedEmulator, profile: BrowserProfile
) -> None:
    with browser_page(browser, profile, emulator.url) as page:
        page.goto("/explain")
        assert find_serious_violations(page) == []
        for pasted, shown in (
            ("hello", ".bad"),
            ("action=send&userid=12&mobile=+8615023239810&content=A&B", "section"),
        ):
            page.fill("#pasted", pasted)
            page.click("form.card button")
            page.locator(f"#explained {shown}").first.wait_for()
            assert find_serious_violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


PAINTS = "performance.getEntriesByName('first-contentful-paint').map((entry) => entry.startTime)"


def test_the_first_paint_with_100_000_messages_is_about_as_fast_as_with_one(
    browser: Browser, emulator: ServedEmulator, account: ConsoleAccount
) -> None:
    account.send(content="【签名】您的验证码是 1234")
    busy_account = ConsoleAccount(emulator, emulator.control("POST", "accounts", {"points": 10**6}))
    for first in (13_000_000_000, 15_000_000_000):
        busy_account.send(",".join(map(str, range(first, first + 50_000))), "【签名】您的验证码是 1234")
    with_one, with_many = [], []
    with browser_page(browser, BROWSER_PROFILES[1], emulator.url) as page:
        for filters in ({}, {"text": "1234"}, {"state": "waiting"}) * 2:
            with_one.append(measure_first_paint(page, account.page_path("/", **filters), rows=1))
            with_many.append(measure_first_paint(page, busy_account.page_path("/", **filters), rows=50))
            expect(page.locator(".tile").first).to_contain_text("100,000")
    emulator.control("DELETE", f"accounts/{busy_account.userid}")
    # A shared machine stalls now and then, so the fastest of each counts.
    assert min(with_many) <= 3 * min(with_one), (with_one, with_many)
    assert min(with_many) <= 200 or not timings.TIMINGS_ASSERTED, with_many


def measure_first_paint(page: Page, path: str, rows: int) -> float:
    """Open a page and return the milliseconds until the first contentful paint."""
    page.goto(path)
    expect(page.locator(".messages tbody tr:has(th)")).to_have_count(rows)
    until = time.monotonic() + TIMEOUT
    while not (paints := page.evaluate(PAINTS)):  # the browser records a paint a little after it happened
        assert time.monotonic() < until
        page.wait_for_timeout(20)
    return float(paints[0])


CUT_CHOICES = """
() => [...document.querySelectorAll("main select")].filter((select) => select.checkVisibility()).filter((select) => {
  const style = getComputedStyle(select), canvas = document.createElement("canvas").getContext("2d");
  canvas.font = style.font;
  const text = canvas.measureText(select.selectedOptions[0].text).width;
  return text + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) > select.clientWidth + 1;
}).map((select) => select.id)
"""


@pytest.mark.parametrize("width", [375, 768, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_choice_shows_its_whole_text(browser: Browser, emulator: ServedEmulator, language: str, width: int) -> None:
    emulator.control("PUT", "profiles/a-brand-with-a-long-name", {"extno_max_digits": 5})
    account = emulator.control("POST", "accounts", {"profile": "a-brand-with-a-long-name"})
    with browser_page(browser, BrowserProfile(language, width, "light"), emulator.url) as page:
        for path in ("/account", "/send", "/requests", "/faults", "/explain"):
            page.goto(f"{path}?userid={account['userid']}")
            assert page.evaluate(CUT_CHOICES) == []
