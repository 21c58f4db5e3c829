"""The documentation site: its pages and navigation, that mistakes fail the build, and what a reader sees offline."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Route

from documentation_site.__main__ import build_site
from documentation_site.pages import (
    BESIDE_DOCS,
    CHINESE,
    CHINESE_SUFFIX,
    ENGLISH,
    ENGLISH_ONLY,
    INDEX,
    Language,
    SiteError,
    check_pages,
    find_pages,
    stage_pages,
)
from documentation_site.search_language import PairsOfCharacters
from support.browser import (
    BROWSER_PROFILES,
    BrowserProfile,
    NoBrowser,
    browser_page,
    chromium,
    find_serious_violations,
    required_in_ci,
)
from support.fake_servers import serve_folder

TOP: Final = Path(__file__).parents[2]
SLOW: Final = pytest.mark.slow("Builds the documentation site, which takes several seconds.")


# Pages and navigation


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree with every page that a site must have, and with docs/page.md in both languages."""
    pages = sorted({*BESIDE_DOCS, *ENGLISH_ONLY, "docs/page.md"})
    items = "\n".join(f"- [{Path(page).stem}](../{page})" for page in pages)
    for page in (*pages, INDEX):
        write(tmp_path, page, f"# {Path(page).stem}\n\n## A b\n\ntext\n")
        if page not in ENGLISH_ONLY:
            write(tmp_path, page.removesuffix(".md") + CHINESE_SUFFIX, f"# {Path(page).stem}\n\n## 甲乙\n\n文字\n")
    write(tmp_path, INDEX, f"# Index\n\n## Part\n\n{items}\n")
    write(tmp_path, "docs/index.zh-CN.md", f"# 目录\n\n## 部分\n\n{items}\n")
    return tmp_path


def write(tree: Path, name: str, text: str) -> None:
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).write_text(text, "utf-8")


def test_the_navigation_of_the_site_is_complete() -> None:
    check_pages(TOP)
    assert all(len(reason) > 10 for reason in ENGLISH_ONLY.values())


def test_a_page_without_a_translation_is_a_mistake(tree: Path) -> None:
    (tree / "docs/page.zh-CN.md").unlink()
    with pytest.raises(SiteError, match=r"docs/page.md: docs/page.zh-CN.md is missing"):
        check_pages(tree)


def test_a_page_that_the_navigation_lacks_is_a_mistake(tree: Path) -> None:
    check_pages(tree)
    write(tree, "docs/new.md", "# New\n")
    write(tree, "docs/new.zh-CN.md", "# 新\n")
    with pytest.raises(SiteError, match=r"^docs/new.md is not in docs/index.md$"):
        check_pages(tree)


def test_another_order_in_the_other_language_is_a_mistake(tree: Path) -> None:
    lines = (tree / "docs/index.zh-CN.md").read_text("utf-8").splitlines()
    write(tree, "docs/index.zh-CN.md", "\n".join([*lines[:4], lines[5], lines[4], *lines[6:]]))
    with pytest.raises(SiteError, match="list different pages, or in another order"):
        check_pages(tree)


def stage(tree: Path, language: Language, page: str) -> str:
    """The text of a page as Sphinx receives it."""
    folder = tree / "staged"
    stage_pages(tree, language, folder)
    return (folder / page).read_text("utf-8")


def test_a_chinese_page_has_the_name_of_the_english_one_and_leads_to_such_names(tree: Path) -> None:
    write(
        tree, "docs/page.zh-CN.md", "# 页\n\n[English](page.md) · 见[说明](../README.zh-CN.md#甲乙)，`x.zh-CN.md`。\n"
    )
    assert stage(tree, CHINESE, "docs/page.md") == "# 页\n\n见[说明](../README.md#甲乙)，`x.zh-CN.md`。\n"


def test_a_link_of_a_chinese_page_to_an_english_one_is_marked(tree: Path) -> None:
    write(tree, "docs/page.zh-CN.md", "# 页\n\n见[术语表](glossary.md#a-b)。\n")
    assert "[术语表](glossary.md#a-b)（英文）。" in stage(tree, CHINESE, "docs/page.md")
    assert stage(tree, CHINESE, "docs/glossary.md").startswith("# glossary\n\n*本页只有英文版。*\n")
    assert "glossary（英文） </docs/glossary>" in stage(tree, CHINESE, INDEX)


def test_a_link_that_shows_the_name_of_a_file_has_the_title_of_the_page(tree: Path) -> None:
    write(
        tree,
        "docs/page.md",
        "# Page\n\n[../README.md](../README.md), [glossary.md](glossary.md#a-b), [it](glossary.md)\n",
    )
    index = (tree / INDEX).read_text("utf-8").replace("[README]", "[First steps]").replace("[glossary]", "[Words]")
    write(tree, INDEX, index)
    text = stage(tree, ENGLISH, "docs/page.md")
    assert text == "# Page\n\n[First steps](../README.md), [Words](glossary.md#a-b), [it](glossary.md)\n"


def test_an_english_page_of_the_chinese_site_leads_to_the_chinese_heading(tree: Path) -> None:
    write(tree, "docs/glossary.md", "# Glossary\n\nSee [a page](page.md#a-b).\n")
    assert "[a page](page.md#甲乙)" in stage(tree, CHINESE, "docs/glossary.md")
    assert "[a page](page.md#a-b)" in stage(tree, ENGLISH, "docs/glossary.md")


def test_a_linked_file_is_copied_and_a_folder_is_named(tree: Path) -> None:
    write(tree, "fixtures/x.toml", "a = 1\n")
    write(
        tree,
        "docs/page.md",
        "# Page\n\n[x](../fixtures/x.toml), [all](../fixtures)\n\n```text\n[x](../fixtures)\n```\n",
    )
    text = stage(tree, ENGLISH, "docs/page.md")
    assert text == "# Page\n\n[x](../fixtures/x.toml), all (`fixtures`)\n\n```text\n[x](../fixtures)\n```\n"
    assert (tree / "staged/fixtures/x.toml").read_text("utf-8") == "a = 1\n"


def test_the_end_of_a_line_is_no_space_in_a_chinese_sentence(tree: Path) -> None:
    write(tree, "docs/page.zh-CN.md", "# 页\n\n第一，\n第二 a\n第三\n\n- 甲，\n  又\n- 乙\n")
    assert stage(tree, CHINESE, "docs/page.md") == "# 页\n\n第一，第二 a\n第三\n\n- 甲，又\n- 乙\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("余额", ["余额"]),
        ("获取状态报告 drop_fetch", ["获取", "取状", "状态", "态报", "报告", "drop_fetch"]),
        ("号码10000000030的上行", ["号码", "#10000000030", "的上", "上行"]),
        ("a点b，c", ["a", "点", "b", "c"]),
    ],
)
def test_text_is_split_into_words_and_pairs_of_characters(text: str, words: list[str]) -> None:
    assert PairsOfCharacters({}).split(text) == words


# Built


@SLOW
def test_a_link_or_an_image_that_leads_nowhere_fails_the_build(tree: Path) -> None:
    mistakes = "[a](missing.md) [b](#missing) [c](../README.md#missing) [d](missing.toml) ![e](missing.png)"
    write(tree, "docs/page.md", f"# Page\n\n{mistakes}\n")
    with pytest.raises(SiteError) as caught:
        build_site(tree, tree / "site")
    named = re.findall(r"^en/docs/page.md:3: WARNING: .*?'?([\w./#]*missing[\w.]*)", str(caught.value), re.MULTILINE)
    assert len(named) == 5, str(caught.value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of this tree."""
    folder = tmp_path_factory.mktemp("documentation") / "site"
    build_site(TOP, folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser. Without a browser the test is skipped, or fails if CI requires a browser."""
    try:
        with chromium() as started:
            yield started
    except NoBrowser as error:
        if required_in_ci():
            raise
        pytest.skip(str(error))


@SLOW
def test_the_built_files_load_nothing_from_elsewhere(site: Path) -> None:
    loaded = re.compile(
        r"""<(?:script|img|link|iframe|source|video|audio)\b[^>]*?\b(?:src|href|srcset)=["']?(?:https?:)?//[^"'>]*"""
        r"""|url\(["']?(?:https?:)?//[^)]*|@import[^;]*|(?:fetch|importScripts|import)\(["'](?:https?:)?//[^)]*"""
    )
    files = [file for file in site.rglob("*") if file.suffix in {".html", ".css", ".js", ".svg"}]
    assert len(files) > 2 * len(find_pages(TOP))
    found = [f"{file.relative_to(site)}: {hit}" for file in files for hit in loaded.findall(file.read_text("utf-8"))]
    assert found == []


@SLOW
def test_each_page_is_in_both_languages_and_leads_to_itself_in_the_other(site: Path) -> None:
    for page in [*find_pages(TOP), "search.md"]:
        name = page.removesuffix(".md") + ".html"
        for language in (ENGLISH, CHINESE):
            file = site / language.folder / name
            (switch,) = re.findall(r'class="language-switch"><a href="([^"]*)"', file.read_text("utf-8"))
            assert (file.parent / switch).resolve() == (site / language.other_folder / name).resolve(), page
            assert f'<html class="no-js" lang="{language.folder}"' in file.read_text("utf-8")


SEARCHES: Final = [
    ("zh-CN", "余额", "docs/guide.html"),
    ("zh-CN", "上行", "docs/guide.html"),
    ("zh-CN", "状态报告", "docs/reference.html"),
    ("zh-CN", "扩展子号", "docs/reference.html"),
    ("zh-CN", "10000000030", "docs/reference.html"),
    ("en", "balance", "docs/guide.html"),
    ("en", "delivery reports", "docs/reference.html"),
    ("en", "drop_fetch", "docs/how-to.html"),
]
"""Language, what a reader types, and a page that must be among the results."""


def open_offline(browser: Browser, base: str) -> tuple[BrowserContext, list[str]]:
    """A context of the browser that reaches the site only, and what it wrongly asked for or wrote to its console."""
    context = browser.new_context()
    complaints: list[str] = []

    def filter_request(route: Route) -> None:
        if route.request.url.startswith(base):
            route.continue_()
        else:
            complaints.append(route.request.url)
            route.abort()

    context.route("**/*", filter_request)
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    return context, complaints


@SLOW
def test_the_search_works_when_the_site_is_opened_from_the_disk(browser: Browser, site: Path) -> None:
    search_offline(browser, site.as_uri(), SEARCHES)


@SLOW
def test_the_search_works_on_a_server_for_files_and_shows_where_the_words_are(browser: Browser, site: Path) -> None:
    with serve_folder(site) as base:
        search_offline(browser, base, SEARCHES[2:6:3])
        page = browser.new_page()
        page.goto(f"{base}/zh-CN/search.html?q=扩展子号")
        excerpt = page.locator('ul.search li:has(a[href="docs/reference.html"]) .context')
        assert "扩展子号" in (excerpt.text_content() or "")
        page.close()


def search_offline(browser: Browser, base: str, searches: list[tuple[str, str, str]]) -> None:
    """Type each query, open the page that must be found, and see the words; the site is all that is reached."""
    context, complaints = open_offline(browser, base)
    page = context.new_page()
    for language, query, expected in searches:
        page.goto(f"{base}/{language}/docs/index.html")
        page.fill("input[name=q]", query)
        page.press("input[name=q]", "Enter")
        result = page.locator(f'ul.search a[href="{expected}"]')
        result.press("Enter")  # a click can miss a result that excerpts above move down
        page.wait_for_url(f"{base}/{language}/{expected}")
        marked = page.locator("article .highlighted").first
        assert marked.text_content() in {query, "delivery", "reports"}
        place = "document.querySelector('article .highlighted').getBoundingClientRect()"
        page.wait_for_function(f"0 <= {place}.top && {place}.bottom <= innerHeight")
    context.close()
    assert complaints == []


@SLOW
def test_the_browser_splits_a_query_as_the_index_does(browser: Browser, site: Path) -> None:
    context, _ = open_offline(browser, site.as_uri())
    page = context.new_page()
    page.goto(f"{site.as_uri()}/zh-CN/search.html")
    for text in (
        "余额",
        "获取状态报告 drop_fetch",
        "号码10000000030的上行",
        "a点b，c",
        "MK:0011 ‘é’ 一",
        "--account USERID",
    ):
        assert page.evaluate("text => splitQuery(text)", text) == PairsOfCharacters({}).split(text)
    context.close()


@SLOW
def test_the_switch_leads_to_the_same_page_and_the_start_to_the_language_of_the_browser(
    browser: Browser, site: Path
) -> None:
    base = site.as_uri()
    for locale, folder, other in (("zh-CN", "zh-CN", "en"), ("en-GB", "en", "zh-CN")):
        page = browser.new_page(locale=locale)
        page.goto(f"{base}/index.html")
        page.wait_for_url(f"{base}/{folder}/docs/index.html")
        page.goto(f"{base}/{folder}/search.html?q=Valkey")
        page.click(".language-switch a")
        page.wait_for_url(f"{base}/{other}/search.html?q=Valkey")
        page.close()


@SLOW
@pytest.mark.parametrize("profile", BROWSER_PROFILES[:2], ids=str)
def test_axe_finds_no_serious_violation(browser: Browser, site: Path, profile: BrowserProfile) -> None:
    folder = {"zh": CHINESE, "en": ENGLISH}[profile.language].folder
    with serve_folder(site) as base, browser_page(browser, profile, base) as page:
        for path in ("docs/index.html", "README.html", "search.html?q=10000000030"):
            page.goto(f"/{folder}/{path}")
            assert find_serious_violations(page) == [], path


@SLOW
def test_no_page_is_wider_than_a_phone(browser: Browser, site: Path) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 812})
    for language in (ENGLISH, CHINESE):
        for name in find_pages(TOP):
            page.goto(f"{site.as_uri()}/{language.folder}/{name.removesuffix('.md')}.html")
            assert page.evaluate("document.documentElement.scrollWidth") <= 375, name
    page.close()
