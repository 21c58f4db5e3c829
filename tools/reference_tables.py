"""Generator of the tables of the documents that come from the registries: options of `serve`, and stores.

`make docs` runs it. A test compares the documents with what this module generates.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sms10692_mock.config import OptionSpec
from sms10692_mock.serve_options import OPTIONS
from sms10692_mock.stores.factory import STORES

_TREE: Final = Path(__file__).parents[1]
_ENGLISH, _CHINESE = "", ".zh-CN"


def _build_option_rows(language: str) -> Iterator[tuple[str, ...]]:
    yield ("option", "default", "meaning") if language == _ENGLISH else ("选项", "默认值", "含义")
    for default, spec in OPTIONS.values():
        meaning = spec.chinese if language else f"{spec.help} {spec.notes}".rstrip()
        yield f"`{spec.flag}{_format_argument(spec)}`", _format_default(default, spec), meaning


def _format_argument(spec: OptionSpec) -> str:
    """Return what follows the flag: the words that can be given, or the placeholder of the value."""
    argument = "\\|".join(spec.choices) if spec.choices is not None else spec.metavar
    return f" {argument}" if argument else ""


def _format_default(default: Any, spec: OptionSpec) -> str:
    text = spec.format_default(default)
    return "" if text is None or spec.type is bool else f"{text:.0f}" if isinstance(text, float) else str(text)


def _build_store_rows(language: str) -> Iterator[tuple[str, ...]]:
    yield ("store", "option", "for") if language == _ENGLISH else ("存储", "选项", "用途")
    index, brackets = (0, " ({})") if language == _ENGLISH else (1, "（{}）")
    for store in STORES:
        installation = brackets.format(f"`pip install '.[{store.extra}]'`") if store.extra else ""
        yield store.name[index], f"`--store {store.address}`{installation}", store.purpose[index]


_TABLES: Final[Mapping[str, tuple[str, Callable[[str], Iterator[tuple[str, ...]]]]]] = {
    "options of serve": ("reference", _build_option_rows),
    "stores": ("how-to", _build_store_rows),
}
"""Document and rows of each table, by the comment above it."""


def render_files() -> dict[Path, str]:
    """Return the text of each document with its tables, by its path. Raises ValueError if the place is missing."""
    files: dict[Path, str] = {}
    for title, (name, build_rows) in _TABLES.items():
        for language in (_ENGLISH, _CHINESE):
            file = _TREE / "docs" / f"{name}{language}.md"
            heads, *rows = build_rows(language)
            table = "".join(f"| {' | '.join(row)} |\n" for row in (heads, ("---",) * len(heads), *rows))
            before, begin, rest = files.get(file, file.read_text("utf-8")).partition(f"<!-- {title} -->\n")
            _, end, after = rest.partition("<!-- end -->\n")
            if not end:
                raise ValueError(f"{file.name} has no lines <!-- {title} --> and <!-- end -->")
            files[file] = before + begin + re.sub(r"\|  \|", "| |", table) + end + after
    return files


if __name__ == "__main__":
    for _file, _text in render_files().items():
        _file.write_text(_text, "utf-8")
