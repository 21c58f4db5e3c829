"""Screenshots of every page and state of the console in both languages and themes, at three widths.

Run `python screenshots.py FOLDER`.

The pictures are for visual inspection: FOLDER/sheets has a contact sheet of each page. Automated checks of the console
are in `tests/console`.
"""

import sys
from datetime import datetime
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page

from sms10692.signing import CHINA, format_timestamp
from support.browser import BrowserProfile, browser_page, chromium
from support.emulators import emulator_process, sign
from support.http_client import Address, build_request, send_raw

PROFILES = [
    BrowserProfile(language, width, theme)
    for language in ("zh", "en")
    for width in (375, 1024, 1440)
    for theme in ("light", "dark")
]

SAMPLE_MESSAGES = (
    (
        "13800138000",
        "【晨光商城】尊敬的客户，您订购的商品已由顺丰速运发出，运单号 SF1029384756，预计明天下午送达。"
        "如需更改收货时间，请在今晚八点前回复本短信。",
        "01",
    ),
    ("13527576163", "【晨光商城】您的验证码是 483920，5 分钟内有效，请勿告诉他人。", ""),
    ("10000000020", "【晨光商城】您的订单已取消，退款将在 3 个工作日内到账。", ""),
    ("15023239810,10000000023", "【晨光商城】会员日全场八折，回复 T 退订 🎉", "02"),
)  # fmt: skip

PAGES = {
    "messages": "/",
    "messages-no-match": "/?text=nothing",
    "send": "/send",
    "send-again": "/send?request={wrong}",
    "phone": "/phone?mobile=15023239810",
    "requests": "/requests",
    "request": "/requests/{wrong}",
    "queues": "/queues",
    "replies": "/queues?queue=replies",
    "account": "/account",
    "older-account": "/account?authentication=password",
    "older-request": "/requests/{older}",
    "accounts": "/accounts",
    "faults": "/faults",
    "contract": "/contract?provenance=manual",
    "profile": "/profile?userid=21",
    "brand-account": "/account?userid=21",
    "explain": "/explain",
    "not-found": "/nosuch",
    "no-request": "/requests/999999",
}
TOKEN, READ_ONLY = "t0ken", "spectat0r"
_SHEET_COLUMN: Final = 360
"""Width of a picture in a contact sheet."""


BRAND = """\
text_signature = "front"
extno_max_digits = 5
texts.forbidden-word = "包含屏蔽词：{word}"
"""
"""Profile of account 21."""


def signed_fields(**values: str) -> dict[str, str]:
    """Build the fields of a request signed at the current time."""
    now = format_timestamp(datetime.now(CHINA))
    return {"userid": "12", "timestamp": now, "sign": sign("test", "mima", now)} | values


def post_vendor_request(address: Address, page: str, charset: str = "utf-8", **values: str) -> None:
    """Send a form to a vendor endpoint."""
    send_raw(address, build_request(page, urlencode(signed_fields(**values), encoding=charset).encode()))


def send_sample_traffic(address: Address, token: str = "") -> None:
    """Fill the emulator with realistic messages, and failed requests; without a token also with replies."""
    for mobile, content, extno in SAMPLE_MESSAGES:
        post_vendor_request(address, "/v2sms.aspx", action="send", mobile=mobile, content=content, extno=extno)
    post_vendor_request(address, "/v2statusApi.aspx", action="query", statusNum="2")
    post_vendor_request(
        address, "/v2smsGBK.aspx", "gbk", action="send", mobile="13900139000", content="【晨光商城】您的包裹已签收。"
    )
    post_vendor_request(
        address, "/v2smsGBK.aspx", action="send", mobile="13600136000", content="【晨光商城】您的验证码是 1234"
    )
    if not token:
        submit_form({"mobile": "15023239810", "content": "T"}, address, "/phone/reply")
    post_vendor_request(address, "/v2callApi.aspx", action="query")
    if not token:
        submit_form({"mobile": "15023239810", "content": "请问什么时候到货？"}, address, "/phone/reply")
    post_vendor_request(address, "/v2sms.aspx", action="overage")
    upper = sign("test", "mima", "20120701231212").upper()
    post_vendor_request(
        address, "/v2sms.aspx", action="send", mobile="1", content="x", timestamp="20120701231212", sign=upper
    )
    credentials = {"userid": "12", "account": "test", "password": "Mima"}
    older = urlencode(
        credentials | {"action": "send", "mobile": "13800138000", "content": "【晨光商城】您的包裹已签收。"}
    )
    send_raw(address, build_request("/sms.aspx", older.encode()))


def submit_form(values: dict[str, str], address: Address, path: str) -> None:
    """Submit a form of the console."""
    body = urlencode(values).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nHX-Request: true\r\n"
    content_type = "Content-Type: application/x-www-form-urlencoded\r\n"
    send_raw(address, f"{head}{content_type}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def capture_pages(browser: Browser, address: Address, folder: Path) -> None:
    """Take a screenshot of every page in every browser profile, and of what its button shows."""
    url = f"http://{address[0]}:{address[1]}"
    for profile in PROFILES:
        with browser_page(browser, profile, url) as page:
            for name, path in PAGES.items():
                page.goto(path.format(wrong=7, older=11))
                if name == "contract":
                    page.locator("[id='clause-2.3-found'] button").click()
                    page.locator("[id='clause-2.3-found'] .exchange").first.wait_for()
                if name == "send":
                    page.locator("#reserved summary").click()
                take_screenshot(page, folder / f"{name}-{profile}.png")


def capture_documentation(browser: Browser, address: Address, folder: Path) -> None:
    """Take the pictures of README and guide, in both languages: those that are copied into docs/."""
    folder.mkdir(exist_ok=True)
    for language, suffix in (("en", ""), ("zh", ".zh-CN")):
        profile = BrowserProfile(language, 1280, "light")
        with browser_page(browser, profile, f"http://{address[0]}:{address[1]}") as page:
            for name in ("messages", "phone"):
                page.goto(PAGES[name])
                page.locator("#pause[data-state=live]").wait_for()
                take_screenshot(page, folder / f"console-{name}{suffix}.png")


def capture_sends(browser: Browser, address: Address, folder: Path) -> None:
    """Take a screenshot of a message that the page sent, of a refused one, and of a page without a connection."""
    for profile in PROFILES:
        with browser_page(browser, profile, f"http://{address[0]}:{address[1]}") as page:
            for name, number in (("sent", "15023239810"), ("refused", "10000000006")):
                page.goto(f"/send?mobile={number}")
                page.locator("#send-button").click()
                page.locator("#response").wait_for()
                take_screenshot(page, folder / f"{name}-{profile}.png")
        capture_disconnected(browser, profile, f"http://{address[0]}:{address[1]}", folder)


def capture_disconnected(browser: Browser, profile: BrowserProfile, url: str, folder: Path) -> None:
    """Take a screenshot of a page without a connection. It writes errors, which `browser_page` would not allow."""
    scheme: Literal["dark", "light"] = "dark" if profile.theme == "dark" else "light"
    context = browser.new_context(
        viewport={"width": profile.width, "height": 800},
        locale={"zh": "zh-CN", "en": "en-US"}[profile.language],
        color_scheme=scheme,
    )
    page = context.new_page()
    page.goto(url)
    page.locator("#pause[data-state=live]").wait_for()
    context.set_offline(True)
    page.evaluate("htmx.trigger(document.body, 'changed')")
    page.locator("body.lost").wait_for()
    take_screenshot(page, folder / f"disconnected-{profile}.png")
    context.close()


def capture_access(browser: Browser, folder: Path) -> None:
    """Take a screenshot of the login, of a wrong token, and of what a spectator sees."""
    with emulator_process("--token", TOKEN, "--read-only-token", READ_ONLY) as (_, address):
        send_sample_traffic(address, TOKEN)
        for profile in PROFILES:
            with browser_page(browser, profile, f"http://{address[0]}:{address[1]}") as page:
                page.goto("/login")
                take_screenshot(page, folder / f"login-{profile}.png")
                for name, token, path in (("wrong-token", "x", ""), ("spectator-request", READ_ONLY, "/requests/7")):
                    page.locator("#token").fill(token)
                    page.locator("form.login button").click()
                    if path:
                        page.locator("#read-only").wait_for()
                        page.goto(path)
                    take_screenshot(page, folder / f"{name}-{profile}.png")
                page.goto("/account")
                take_screenshot(page, folder / f"spectator-account-{profile}.png")


def build_sheets(browser: Browser, folder: Path) -> int:
    """Stitch the pictures of each page into a contact sheet: a row for each width, a column for the rest."""
    sheets = folder / "sheets"
    sheets.mkdir(exist_ok=True)
    names = sorted({file.name.removesuffix(f"-{PROFILES[0]}.png") for file in folder.glob(f"*-{PROFILES[0]}.png")})
    for name in names:
        ordered = sorted(PROFILES, key=lambda profile: (profile.width, profile.language, profile.theme))
        cells = "".join(
            f"<figure><figcaption>{name} {p}</figcaption><img src='{name}-{p}.png'></figure>" for p in ordered
        )
        style = (
            f"body{{display:grid;grid-template-columns:repeat(4,{_SHEET_COLUMN}px);gap:8px;margin:8px;"
            "align-items:start;font:12px sans-serif}figure{margin:0}img{width:100%;border:1px solid #888}"
        )
        file = folder / "sheet.html"
        file.write_text(f"<!doctype html><meta charset=utf-8><style>{style}</style>{cells}", "utf-8")
        page = browser.new_page(viewport={"width": 4 * _SHEET_COLUMN + 40, "height": 800})
        page.goto(file.resolve().as_uri())
        page.screenshot(path=sheets / f"{name}.png", full_page=True)
        page.close()
    (folder / "sheet.html").unlink()
    return len(names)


def take_screenshot(page: Page, file: Path) -> None:
    """Take one screenshot, at most 2400 pixels high."""
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(150)
    height = min(int(page.evaluate("document.documentElement.scrollHeight")), 2400)
    width = page.viewport_size["width"] if page.viewport_size else 1280
    page.screenshot(path=file, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


def main(folder: Path) -> None:
    """Take all screenshots: empty console, filled console, and faults page with active faults."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        brand = folder / "brand.toml"
        brand.write_text(BRAND, "utf-8")
        profiles = ("--profile", "manual", "--profile", str(brand), "--account-profile", "21:brand")
        with emulator_process("--account", "12:test:mima", "--account", "21:brand:mima", *profiles) as (_, address):
            for profile in PROFILES:
                with browser_page(browser, profile, f"http://{address[0]}:{address[1]}") as page:
                    page.goto("/")
                    take_screenshot(page, folder / f"empty-{profile}.png")
            send_sample_traffic(address)
            capture_documentation(browser, address, folder / "documentation")
            capture_pages(browser, address, folder)
            capture_sends(browser, address, folder)
            submit_form({"name": "truncate"}, address, "/faults/preset")
            submit_form({"name": "late"}, address, "/faults/preset")
            submit_form({"mode": "frozen"}, address, "/faults/clock")
            for profile in PROFILES:
                with browser_page(browser, profile, f"http://{address[0]}:{address[1]}") as page:
                    page.goto("/faults")
                    take_screenshot(page, folder / f"active-faults-{profile}.png")
        capture_access(browser, folder)
        sheets = build_sheets(browser, folder)
    sys.stdout.write(f"{len(list(folder.glob('*.png')))} screenshots in {folder}, {sheets} sheets in {folder}/sheets\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
