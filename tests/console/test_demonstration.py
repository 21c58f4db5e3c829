"""The demonstration of docs/demonstration.md, followed in a browser in both languages by the words of each step."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from sms10692_mock.admin.console.i18n import Language, text, texts
from support.browser import BrowserProfile, browser_page
from support.emulators import emulator_process

pytestmark = pytest.mark.slow("Drives Chromium.")

expect.set_options(timeout=30_000)

TOKEN, SPECTATOR = "t0ken", "spectators"
DOCUMENTS = Path(__file__).parents[2] / "docs"
PAGES: dict[Language, str] = {"en": "demonstration.md", "zh": "demonstration.zh-CN.md"}
PROFILES: dict[Language, BrowserProfile] = {
    "en": BrowserProfile("en", 1440, "light"),
    "zh": BrowserProfile("zh", 375, "dark"),
}


class Step:
    """One step of the document. Its labels are the words in bold."""

    def __init__(self, page: Page, language: Language, words: str) -> None:
        self.page, self.language = page, language
        self.labels = re.findall(r"\*\*(.+?)\*\*", words.replace("\n", " "))

    def label(self, key: str) -> str:
        """Return a text of the console, which the step must name."""
        label = text(self.language, key)
        assert label in self.labels, (label, self.labels)
        return label

    def press(self, key: str, kind: str = "button") -> None:
        """Press the button or link of this label."""
        found = (
            self.page.get_by_role("link", name=self.label(key))
            if kind == "link"
            else self.page.get_by_role("button", name=self.label(key))
        )
        found.first.click()

    def open(self, key: str) -> None:
        """Choose a page in the menu."""
        self.page.locator(".menu").get_by_role("link", name=self.label(key), exact=True).click()

    def field(self, key: str) -> Locator:
        """Return the field of this label."""
        return self.page.get_by_label(self.label(key), exact=True)


def read_steps(language: Language) -> list[str]:
    """Return the text of each step of the document."""
    return re.split(r"(?m)^## \d+\. ", (DOCUMENTS / PAGES[language]).read_text("utf-8"))[1:]


def send_message(step: Step) -> None:
    step.press("page.send", "link")
    step.page.get_by_role("button", name=step.label("send.button"), exact=True).click()


@pytest.mark.parametrize("language", PAGES)
def test_the_ten_steps_lead_where_the_document_says(browser: Browser, language: Language) -> None:
    words = read_steps(language)
    assert len(words) == 10
    with (
        emulator_process("--token", TOKEN, "--read-only-token", SPECTATOR, "--log-level", "error") as (_, address),
        browser_page(browser, PROFILES[language], f"http://{address[0]}:{address[1]}") as page,
        browser_page(browser, PROFILES[language], f"http://{address[0]}:{address[1]}") as watching,
    ):
        steps = [Step(page, language, each) for each in words]
        watching.goto("/")
        watching.locator("#token").fill(SPECTATOR)
        watching.locator("form.login button").click()
        expect(watching.locator("#read-only")).to_be_visible()

        step = steps[0]
        page.goto("/")
        step.field("login.token").fill(TOKEN)
        step.press("login.submit")
        expect(page.locator(".empty")).to_be_visible()

        step = steps[1]
        send_message(step)
        expect(page.get_by_role("region", name=step.label("send.check"))).to_be_visible()
        result = page.get_by_role("region", name=step.label("send.result"))
        expect(result.locator(".badge").first).to_have_text(step.label("requests.accepted"))
        expect(page.locator("#response")).to_contain_text("<taskID>")
        expect(watching.locator(".messages")).to_contain_text("15023239810")

        step = steps[2]
        step.press("send.show_phone", "link")
        expect(page.locator(".bubble.in")).to_have_count(1)

        step = steps[3]
        step.field("phone.reply").fill("T")
        step.field("phone.reply").press("Enter")
        expect(page.locator(".bubble.out")).to_contain_text("T")

        step = steps[4]
        step.open("page.queues")
        expect(page.locator("#live")).to_contain_text(step.label("state.waiting"))
        page.get_by_role("link", name=step.label("label.replies")).first.click()
        expect(page.locator("#live")).to_contain_text("15023239810")

        step = steps[5]
        step.open("page.messages")
        step.press("page.send", "link")
        page.get_by_text(step.label("send.reserved")).click()
        page.get_by_role("button", name="10000000006").click()
        page.get_by_role("button", name=step.label("send.button"), exact=True).click()
        expect(page.locator("#sent .badge").first).to_have_text(step.label("requests.refused"))
        expect(page.locator("#sent .finding")).to_be_visible()

        step = steps[6]
        step.open("page.requests")
        step.field("list.refused").check()
        expect(page.locator("#live tbody tr")).to_have_count(1)
        page.locator("#live tbody tr a").first.click()
        expect(page.get_by_role("region", name=step.label("requests.diagnosis")).locator(".finding")).to_be_visible()

        step = steps[7]
        step.open("page.faults")
        step.press("preset.down")
        expect(page.locator("#notice")).to_contain_text("503")
        step.open("page.messages")
        send_message(step)
        expect(page.locator("#sent")).to_contain_text("HTTP 503")
        step.open("page.faults")
        expect(page.locator(".struck")).to_have_text(
            re.compile(re.escape(text(language, "faults.struck", triggered=1, evaluated=1)))
        )
        step.press("preset.down")
        expect(page.locator(".struck")).to_have_count(0)

        step = steps[8]
        step.press("preset.late")
        expect(page.locator("#preset-late")).to_have_attribute("aria-pressed", "true")
        step.open("page.messages")
        page.locator(".title").get_by_role("link").click()
        page.locator("#send-button").click()
        expect(page.locator("#response")).to_contain_text("<message>ok</message>")
        step.open("page.messages")
        expect(page.locator(".messages tbody tr").first).to_contain_text(step.label("state.scheduled"))
        step.open("page.faults")
        step.press("faults.next")
        expect(page.locator("#notice .good")).to_be_visible()
        page.locator(".menu a").first.click()
        expect(page.locator(".messages tbody tr").first).to_contain_text(step.label("state.waiting"))
        step.press("banner.remove_all")
        expect(page.locator(".banner")).to_have_count(0)

        step = steps[9]
        step.open("page.contract")
        chapter = page.get_by_role("region", name=step.label("contract.group_2"))
        chapter.get_by_role("button", name=step.label("contract.try_all")).click()
        step.label("contract.as_expected")
        expect(chapter.locator(".verdict .badge.good").first).to_be_visible()
        expect(chapter.locator(".verdict .badge.bad")).to_have_count(0)
        step.press("layout.log_out")
        expect(page.locator("#token")).to_be_visible()
        assert all(step.labels for step in steps)


@pytest.mark.parametrize("language", PAGES)
def test_every_word_in_bold_is_a_text_of_the_console(language: Language) -> None:
    known = {each[language] for each in texts().values()}
    bold = re.findall(r"\*\*(.+?)\*\*", "".join(read_steps(language)).replace("\n", " "))
    assert bold
    assert set(bold) <= known
