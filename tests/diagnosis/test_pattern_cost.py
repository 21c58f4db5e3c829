"""The patterns of the diagnosis take linear time: some are applied to megabytes of a client."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from time import thread_time
from typing import Any

import pytest

from sms10692_mock import diagnosis
from sms10692_mock.diagnosis.form_syntax import has_unencoded_plus
from sms10692_mock.diagnosis.numbers import check_mobile

LENGTHS = (500, 3_000)
"""Growing, so that a pattern that is too slow fails in seconds."""
SECONDS = 0.05
"""Ten times what a linear pattern takes for the longest text, and less than a quadratic one takes."""
MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(diagnosis.__path__, f"{diagnosis.__name__}.")
]


def find_patterns(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from find_patterns(item)


PATTERNS = {
    f"{module.__name__.rpartition('.')[2]}.{name}.{index}": pattern
    for module in MODULES
    for name, value in vars(module).items()
    for index, pattern in enumerate(find_patterns(value))
}
MATCHED_AS_A_WHOLE = ("digest_formats.", "numbers._FORMS.")
"""Patterns of whole values, which nothing searches for in a text."""
HOSTILE = (
    *(
        "[{}x",
        " ",
        "1",
        "0",
        "a",
        "A",
        "%",
        "%2",
        "=",
        "=+",
        "&",
        "+",
        "[",
        "[[ ",
        "{{",
        "{{{{ ",
        "{{a ",
        "<",
        "<%",
        "<%=",
    ),
    *(
        "${{",
        "#a",
        "#",
        "@A.",
        "@A",
        "$a",
        "System.A.",
        "System.A",
        "[object ",
        "[object a",
        "【",
        "【a",
        "【】",
        ".",
        "-",
    ),
    *("content-disposition:", " name=a", "; name=", ";", "; ", 'name="', "\\u", "\\", "ff", "-f", "é", "é ", "?", "//"),
    *(
        "\r\n",
        "\n",
        "'",
        '"',
        "['",
        '["a',
        "(",
        "(+86)",
        "86 ",
        "+86-",
        "1 ",
        "150-",
        "MD5(",
        "b'",
        "&amp;",
        "&#",
        "%u",
    ),
)


def assert_fast(function: Any, unit: str) -> None:
    for length in LENGTHS:
        repeated = unit.replace("{}", " ") * (length // len(unit))
        for text in (f"content-disposition:{repeated}", f"[{repeated}x", f"GET{repeated}x", f"{repeated}!"):
            begun = thread_time()
            function(text)
            assert thread_time() - begun < SECONDS, (unit, length, text[:40])


@pytest.mark.parametrize(("name", "pattern"), PATTERNS.items(), ids=PATTERNS)
def test_a_pattern_takes_linear_time(name: str, pattern: re.Pattern[Any]) -> None:
    def match(text: str) -> None:
        subject: Any = text if isinstance(pattern.pattern, str) else text.encode()
        pattern.fullmatch(subject)
        if not name.startswith(MATCHED_AS_A_WHOLE):
            for _ in pattern.finditer(subject):
                pass

    for unit in HOSTILE:
        assert_fast(match, unit)


def test_the_checks_of_forms_and_numbers_take_linear_time() -> None:
    for unit in HOSTILE:
        assert_fast(lambda text: list(check_mobile(text)), unit)
        assert_fast(lambda text: has_unencoded_plus(text.encode()), unit)


def test_many_patterns_are_found() -> None:
    assert len(PATTERNS) > 30
