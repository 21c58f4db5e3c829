"""The pages of the site: which there are, where the navigation has them, and how a language changes their links.

`docs/index.md` is the navigation: its headings are the parts, its list items the pages.
"""

import posixpath
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

INDEX: Final = "docs/index.md"
BESIDE_DOCS: Final = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "fixtures/readings.md")
"""Pages that are not in `docs/`."""
CHINESE_SUFFIX: Final = ".zh-CN.md"
ENGLISH_ONLY: Final = {
    "CHANGELOG.md": "its entries name options, paths and fields, which are English in both languages",
    "CONTRIBUTING.md": "for those who change the code, which is written in English",
    "docs/glossary.md": "is bilingual itself",
    "docs/internals.md": "for those who change the code",
    "docs/mutants.md": "for those who change the code",
    "docs/reliability.md": "figures of measurements for those who judge the code",
}
"""Pages without a translation, each with the reason. The Chinese site shows them in English and marks every link."""
_MARK: Final = "（英文）"
_NOTE: Final = "*本页只有英文版。*"

_LINK: Final = re.compile(r"(\[(?:[^][]|\[[^][]*\])*\])\(([^)\s]+)\)")
_SWITCH: Final = re.compile(r"^\[(?:中文|English)\]\([\w./-]+\)(?: · )?", re.MULTILINE)
"""The link to the other language in the first lines of a page. On the site each page has it in its corner."""
_FENCE: Final = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


_CHINESE_LINE_END: Final = re.compile(r"(?<=[、-〿㐀-鿿！-～])\n *(?=\[?[、-〿㐀-鿿！-～])")
"""The end of a line within a Chinese sentence, which a browser would show as a space."""


class SiteError(Exception):
    """The pages do not form a site; the message has one line for each mistake."""


class Language(NamedTuple):
    """A language of the site: the name of its folder and its locale in Sphinx; the name of the other one is a link."""

    folder: str
    locale: str
    title: str
    other_folder: str
    other_name: str

    @property
    def is_chinese(self) -> bool:
        return self.folder == "zh-CN"


ENGLISH: Final = Language("en", "en", "sms10692 documentation", "zh-CN", "中文")
CHINESE: Final = Language("zh-CN", "zh_CN", "sms10692 文档", "en", "English")


class Entry(NamedTuple):
    """A page in the navigation: the part that it belongs to, its title there, and its path from the top of the tree."""

    part: str
    title: str
    page: str


def find_pages(top: Path) -> list[str]:
    """The English pages of a tree, as paths from its top."""
    docs = [file.relative_to(top).as_posix() for file in (top / "docs").glob("*.md")]
    return sorted([*(page for page in docs if not page.endswith(CHINESE_SUFFIX)), *BESIDE_DOCS])


def source_of(page: str, language: Language) -> str:
    """The file that has this page in this language."""
    is_translated = language.is_chinese and page not in ENGLISH_ONLY
    return page.removesuffix(".md") + CHINESE_SUFFIX if is_translated else page


def _page_name(path: str) -> str:
    """The English name of a page, by the path of its file in any language. Other paths stay as they are."""
    return path.removesuffix(CHINESE_SUFFIX) + ".md" if path.endswith(CHINESE_SUFFIX) else path


def read_navigation(top: Path, language: Language) -> list[Entry]:
    """The entries of the index page of this language, in order."""
    index = source_of(INDEX, language)
    part = ""
    entries = []
    for line in (top / index).read_text("utf-8").splitlines():
        if line.startswith("## "):
            part = line.removeprefix("## ")
        elif line.startswith("- ") and (link := _LINK.match(line, 2)):
            entries.append(Entry(part, link[1][1:-1], _page_name(_target(INDEX, link[2]))))
    return entries


def check_pages(top: Path) -> None:
    """Raise SiteError unless every page is translated or listed as English, and in the navigation of both languages."""
    pages = find_pages(top)
    mistakes = [f"{page} is in ENGLISH_ONLY and does not exist" for page in ENGLISH_ONLY if page not in pages]
    for page in pages:
        translation = page.removesuffix(".md") + CHINESE_SUFFIX
        if (top / translation).exists() == (page in ENGLISH_ONLY):
            mistakes.append(f"{page}: {translation} is missing, or the page is in ENGLISH_ONLY without need")
    english, chinese = (
        [entry.page for entry in read_navigation(top, language)] if (top / source_of(INDEX, language)).exists() else []
        for language in (ENGLISH, CHINESE)
    )
    mistakes += [f"{page} is not in {INDEX}" for page in pages if page not in (*english, INDEX)]
    if english != chinese:
        mistakes.append(f"{INDEX} and {source_of(INDEX, CHINESE)} list different pages, or in another order")
    if mistakes:
        raise SiteError("\n".join(mistakes))


def stage_pages(top: Path, language: Language, folder: Path) -> None:
    """Write the pages of one language, and the files that they link to, into a folder laid out like the tree."""
    navigation = read_navigation(top, language)
    for page in find_pages(top):
        text = (top / source_of(page, language)).read_text("utf-8")
        head, rest = text[:400], text[400:]
        text = _SWITCH.sub("", head, count=1) + rest
        text = _rewrite_links(top, language, page, text)
        _copy_linked_files(top, page, text, folder)
        if language.is_chinese and page in ENGLISH_ONLY:
            title, _, body = text.partition("\n")
            text = f"{title}\n\n{_NOTE}\n{body}"
        if page == "README.md":  # Its heading is the name of the project.
            (title,) = (entry.title for entry in navigation if entry.page == page)
            text = re.sub(r"^# .*$", f"# {title}", text, count=1, flags=re.MULTILINE)
        if page == INDEX:
            text += "".join(_build_toctrees(navigation, language))
        file = folder / page
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def _build_toctrees(entries: list[Entry], language: Language) -> Iterator[str]:
    for part in dict.fromkeys(entry.part for entry in entries):
        lines = [
            f"{entry.title}{_mark(entry.page, language)} </{entry.page.removesuffix('.md')}>"
            for entry in entries
            if entry.part == part
        ]
        yield "\n".join(["", "```{toctree}", ":hidden:", f":caption: {part}", "", *lines, "```", ""])


def _mark(page: str, language: Language) -> str:
    return _MARK if language.is_chinese and page in ENGLISH_ONLY else ""


def _rewrite_links(top: Path, language: Language, page: str, text: str) -> str:
    """Change the links of a page, not those within its code blocks.

    A link to a page leads to the same language, and shows the title of the page instead of the name of a file. Of a
    link to a folder the name is left.
    """
    is_english = not language.is_chinese or page in ENGLISH_ONLY
    titles = {entry.page: entry.title for entry in read_navigation(top, ENGLISH if is_english else CHINESE)}

    def rewrite(match: re.Match[str]) -> str:
        words, link = match[1][1:-1], match[2]
        file, _, anchor = link.partition("#")
        if "://" in link or not file:
            return match[0]
        path = _target(page, file)
        target = _page_name(path)
        if target in titles or target == INDEX:
            if language.is_chinese and is_english:
                anchor = _translate_anchor(top, target, anchor)
            if posixpath.basename(_page_name(words.strip("`"))) == posixpath.basename(target):
                words = titles.get(target, language.title)
            mark = "" if is_english or page == INDEX else _mark(target, language)
            return f"[{words}]({_page_name(file)}{'#' if anchor else ''}{anchor}){mark}"
        if (top / path).is_dir():
            return words if path in words else f"{words} (`{path}`)"
        return match[0]

    parts = _FENCE.split(text)
    parts[::2] = [_CHINESE_LINE_END.sub("", _LINK.sub(rewrite, part)) for part in parts[::2]]
    return "".join(parts)


def _copy_linked_files(top: Path, page: str, text: str, folder: Path) -> None:
    """Copy what is no page: images, and files that a reader downloads."""
    for match in _LINK.finditer(_FENCE.sub("", text)):
        path = _target(page, match[2])
        if "://" not in match[2] and not path.endswith(".md") and (top / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(top / path, folder / path)


def _translate_anchor(top: Path, page: str, anchor: str) -> str:
    """The Chinese anchor of the heading that has this anchor in the English page: both pages have equal headings."""
    english, chinese = (
        list_anchors((top / source_of(page, language)).read_text("utf-8")) for language in (ENGLISH, CHINESE)
    )
    if len(english) != len(chinese):
        raise SiteError(f"{page} has other headings in Chinese: {len(english)} and {len(chinese)}")
    return dict(zip(english, chinese, strict=True)).get(anchor, anchor)


def list_anchors(text: str) -> list[str]:
    """The anchors of the headings of a page in order, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", text), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).replace(" ", "-").lower() for heading in headings]


def _target(page: str, link: str) -> str:
    """The path from the top of the tree that a link of a page leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link.partition("#")[0]))
