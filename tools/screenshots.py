"""Pictures of every page of the console in both languages, themes and widths: `python screenshots.py FOLDER`.

Here belongs what is on the pictures. They are looked at by people; what machines can check is in `console/`.
"""

import sys
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page

from sms10692.signing import CHINA, format_timestamp
from support.browser import BrowserProfile, browser_page, chromium
from support.emulators import Address, ask, emulator_process, request, sign

LOOKS = [
    BrowserProfile(language, width, theme)
    for language in ("zh", "en")
    for width in (375, 1280)
    for theme in ("light", "dark")
]

TEXTS = (
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
    "handset": "/handset?mobile=15023239810",
    "requests": "/requests",
    "request": "/requests/{wrong}",
    "queues": "/queues",
    "replies": "/queues?queue=replies",
    "account": "/account",
    "weather": "/weather",
    "manual": "/manual?kind=exact",
}


def fields(**given: str) -> dict[str, str]:
    """A request's fields, signed now."""
    stamp = format_timestamp(datetime.now(CHINA))
    return {"userid": "12", "timestamp": stamp, "sign": sign("test", "mima", stamp)} | given


def post(address: Address, page: str, charset: str = "utf-8", **given: str) -> None:
    """A request as a client sends it."""
    ask(address, request(page, urlencode(fields(**given), encoding=charset).encode()))


def use(address: Address) -> None:
    """What a shop may have sent on a morning, and what went wrong."""
    for mobile, content, extno in TEXTS:
        post(address, "/v2sms.aspx", action="send", mobile=mobile, content=content, extno=extno)
    post(address, "/v2statusApi.aspx", action="query", statusNum="2")
    post(address, "/v2smsGBK.aspx", "gbk", action="send", mobile="13900139000", content="【晨光商城】您的包裹已签收。")
    post(address, "/v2smsGBK.aspx", action="send", mobile="13600136000", content="【晨光商城】您的验证码是 1234")
    form({"mobile": "15023239810", "content": "T"}, address, "/handset/reply")
    post(address, "/v2callApi.aspx", action="query")
    form({"mobile": "15023239810", "content": "请问什么时候到货？"}, address, "/handset/reply")
    post(address, "/v2sms.aspx", action="overage")
    upper = sign("test", "mima", "20120701231212").upper()
    post(address, "/v2sms.aspx", action="send", mobile="1", content="x", timestamp="20120701231212", sign=upper)


def form(given: dict[str, str], address: Address, path: str) -> None:
    """A form of the console."""
    body = urlencode(given).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nHX-Request: true\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n"
    ask(address, f"{head}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def photograph(browser: Browser, address: Address, folder: Path) -> None:
    """Every page, in every look."""
    url = f"http://{address[0]}:{address[1]}"
    for look in LOOKS:
        with browser_page(browser, look, url) as page:
            for name, path in PAGES.items():
                page.goto(path.format(wrong=7))
                if name == "manual":
                    page.locator("[id='clause-2.3-found'] button").click()
                    page.locator("[id='clause-2.3-found'] .exchange").first.wait_for()
                take(page, folder / f"{name}-{look}.png")


def take(page: Page, file: Path) -> None:
    """One picture, not longer than a few screens."""
    page.wait_for_timeout(150)
    height = min(int(page.evaluate("document.documentElement.scrollHeight")), 2400)
    width = page.viewport_size["width"] if page.viewport_size else 1280
    page.screenshot(path=file, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


def main(folder: Path) -> None:
    """Make them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        with emulator_process() as (_, address):
            for look in LOOKS:
                with browser_page(browser, look, f"http://{address[0]}:{address[1]}") as page:
                    page.goto("/")
                    take(page, folder / f"empty-{look}.png")
            use(address)
            photograph(browser, address, folder)
            form({"name": "cut"}, address, "/weather/scenario")
            form({"name": "late"}, address, "/weather/scenario")
            form({"mode": "frozen"}, address, "/weather/clock")
            for look in LOOKS:
                with browser_page(browser, look, f"http://{address[0]}:{address[1]}") as page:
                    page.goto("/weather")
                    take(page, folder / f"storm-{look}.png")
    sys.stdout.write(f"{len(list(folder.glob('*.png')))} pictures in {folder}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
