"""The documents of the project with their code blocks: README.md and others beside it, docs/, and the readings."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

TOP: Final = Path(__file__).parents[2]
DOCUMENTS: Final = sorted(
    file.relative_to(TOP).as_posix()
    for file in [*TOP.glob("*.md"), *(TOP / "docs").glob("*.md"), *(TOP / "fixtures").glob("*.md")]
    if file.name not in {"contract.md", "contract.zh-CN.md"}  # generated
)


def read(name: str) -> str:
    """The text of a document, by its path in the tree."""
    return (TOP / name).read_text("utf-8")


class Block(NamedTuple):
    """A block in a fence: its document and line, the language of the fence, and its text."""

    document: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"


def find_blocks() -> Iterator[Block]:
    """All blocks of all documents."""
    for name in DOCUMENTS:
        text = read(name)
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            yield Block(name, text.count("\n", 0, match.start()) + 1, match[1], match[2])


BLOCKS: Final = list(find_blocks())
