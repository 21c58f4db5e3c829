"""Every code block of the documents is correct in its language, or a table says why no parser reads it.

`test_documents` runs the blocks of sh, python, toml and xml; tests of single documents run others.
"""

import re
from pathlib import Path
from typing import Final

import pytest

from support.block_parsers import PARSERS
from support.documents import BLOCKS, DOCUMENTS, TOP, read

UNPARSED: Final = {
    ("CONTRIBUTING", "text"): "a drawing of the tree",
    ("docs/internals", "text"): "drawings of the layers and of a request; test_documents looks up the modules",
    ("docs/deployment", "conf"): "of logrotate and systemd, to which tests/repo/test_deployment.py gives them",
    ("docs/examine-drivers", "bash"): "a driver, which tests/examine/test_examine_drivers.py runs",
    ("docs/examine-drivers", "go"): "a driver, which tests/examine/test_examine_drivers.py compiles and runs",
    ("docs/examine", "text"): "output of a run, which tests/examine/test_examine_command.py compares",
    ("docs/network", "nginx"): "configurations, which tests/end_to_end/test_nginx_configurations.py runs",
    ("docs/network", "text"): "a line of a hosts file",
    ("docs/learn", "text"): "commands for a real vendor, which no test may reach",
    ("docs/real-vendor", "text"): "commands for a real vendor, which no test may reach",
    ("docs/tutorial-ci", "text"): "an address of a repository that does not exist",
    ("docs/tutorial-java", "text"): "output of a test, of which every word may change",
    ("docs/tutorial-php", "text"): "output of a test, of which every word may change",
}
"""Blocks that no parser reads, by document (without the suffixes) and language, each with the reason."""

BROKEN: Final = {
    "ini": "key = 1\n",
    "java": "class C { void m() { int a = ; } }\n",
    "js": 'import x from "x";\nconst a = ;\n',
    "json": '{"a": 1,}\n',
    "php": "<?php\nfunction f( { }\n",
    "python": "def f(:\n    pass\n",
    "sh": "if true; then echo\n",
    "toml": "a = \n",
    "xml": "<a>b</c>\n",
    "yaml": "a: [1\n",
}
"""A wrong text in each language, which its parser must refuse."""
CORRECT: Final = {
    "java": ["int a = 1;\nSystem.out.println(a);\n", "@Test\nvoid x() { }\n", "package p;\nclass C { }\n"],
    "js": ["await fetch(x)\n", 'import x from "x";\nawait x();\n', 'const { x } = require("x");\n'],
    "php": ["$a = 1;\n", "<?php\n\nuse A\\B;\n\nfinal class C\n{\n}\n"],
    "ini": ["[Service]\nExecStart=a\nExecStart=b\n"],
    "sh": ["curl -d 'a=1' \\\n  http://127.0.0.1/ | tail -1\n"],
}
"""Texts that a parser must accept, although they are parts of programs."""


def document_of(name: str) -> str:
    """The name of a document without the suffixes of its language."""
    return name.removesuffix(".md").removesuffix(".zh-CN")


def test_every_block_has_a_parser_or_a_reason() -> None:
    missing = [
        f"{block.place}: {block.language!r} has no parser in support/block_parsers.py and no row of UNPARSED"
        for block in BLOCKS
        if block.language not in PARSERS and (document_of(block.document), block.language) not in UNPARSED
    ]
    assert missing == []


def test_every_reason_is_needed_and_names_tests_that_read_the_document() -> None:
    used = {(document_of(block.document), block.language) for block in BLOCKS}
    for (document, language), reason in UNPARSED.items():
        assert (document, language) in used
        assert language not in PARSERS
        for path in re.findall(r"tests/[\w/]+\.py", reason):
            text = (TOP / path).read_text("utf-8")
            assert f'"{language}"' in text, path
            assert Path(document).name in text, path


@pytest.mark.parametrize("language", PARSERS)
def test_every_block_is_correct_in_its_language(language: str, tmp_path: Path) -> None:
    blocks = [block for block in BLOCKS if block.language == language]
    texts = [*(block.text for block in blocks), *CORRECT.get(language, []), BROKEN[language]]
    errors = PARSERS[language](texts, tmp_path)
    places = [block.place for block in blocks] + [f"CORRECT[{language!r}]"] * len(CORRECT.get(language, []))
    assert [f"{place}: {errors[number]}" for number, place in enumerate(places) if number in errors] == []
    assert len(texts) - 1 in errors, "the parser accepts a wrong text"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_block_is_in_a_fence(name: str) -> None:
    prose = re.sub(r"^```\w+\n.*?^```$", "", read(name), flags=re.MULTILINE | re.DOTALL)
    assert "```" not in prose, "a fence that is indented, is not closed, or names no language"
    assert "~~~" not in prose
    assert not re.search(r"\n\n    \S", prose), "an indented block"
