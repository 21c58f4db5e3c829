"""The patterns of the diagnosis take linear time: some are applied to megabytes of a client."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from time import thread_time
from typing import Any

import pytest

from sms10692_mock import diagnosis
from sms10692_mock.diagnosis.form_syntax import has_unencoded_plus
from sms10692_mock.diagnosis.numbers import check_mobile

LENGTHS = (500, 3_000)
GROWTH = 15
"""Between the factor of the times of these lengths for a linear pattern, 6, and for a quadratic one, 36."""
SECONDS = 0.005
"""Times below this are not compared."""
ATTEMPTS = 5
"""How often a comparison may fail: other processes make a measurement longer, never shorter."""
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
SEARCHES = {"search", "finditer", "findall", "sub", "split"}
BOUNDED = {"body_kind._OBJECT.0": 512}
"""Patterns of which the caller shortens the text, with the length: their time is bounded."""


def find_uses(name: str) -> set[str]:
    """Return the methods of a pattern that its module names. The patterns of a table are matched as a whole."""
    module, constant, _ = name.split(".")
    (source,) = [inspect.getsource(each) for each in MODULES if each.__name__.rpartition(".")[2] == module]
    methods = set(re.findall(rf"\b{constant}\.(\w+)\b", source)) & {*SEARCHES, "match", "fullmatch"}
    return methods or {"fullmatch"}


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


def measure(function: Callable[[str], object], text: str) -> float:
    """Return the CPU seconds of a call."""
    begun = thread_time()
    function(text)
    return thread_time() - begun


def is_linear(function: Callable[[str], object], texts: Sequence[str]) -> bool:
    """Return whether the time of a function grows with the length of a text, and not with its square.

    `texts` has one text of each of the LENGTHS.
    """
    shorter, longer = texts
    for _ in range(ATTEMPTS):
        base = measure(function, shorter)
        if measure(function, longer) < max(SECONDS, GROWTH * base):
            return True
    return False


def assert_linear(function: Callable[[str], object], unit: str) -> None:
    repeated = [unit.replace("{}", " ") * (length // len(unit)) for length in LENGTHS]
    for form in ("content-disposition:{}", "[{}x", "GET{}x", "{}!"):
        texts = [form.replace("{}", text) for text in repeated]
        assert is_linear(function, texts), (unit, form)


@pytest.mark.parametrize(("name", "pattern"), PATTERNS.items(), ids=PATTERNS)
def test_a_pattern_takes_linear_time(name: str, pattern: re.Pattern[Any]) -> None:
    uses = find_uses(name)

    def match(text: str) -> None:
        text = text[: BOUNDED.get(name)]
        subject: Any = text if isinstance(pattern.pattern, str) else text.encode()
        for method in uses - SEARCHES:
            getattr(pattern, method)(subject)
        if uses & SEARCHES:
            for _ in pattern.finditer(subject):
                pass

    for unit in HOSTILE:
        assert_linear(match, unit)


def test_the_checks_of_forms_and_numbers_take_linear_time() -> None:
    for unit in HOSTILE:
        assert_linear(lambda text: list(check_mobile(text)), unit)
        assert_linear(lambda text: has_unencoded_plus(text.encode()), unit)


@pytest.mark.parametrize(("pattern", "unit"), [(r"\s+x", " "), (r"\s*[:=]", "\n")])
def test_a_search_in_quadratic_time_is_found(pattern: str, unit: str) -> None:
    search = re.compile(pattern)
    assert not is_linear(lambda text: list(search.finditer(text)), [unit * length for length in LENGTHS])


def test_many_patterns_are_found() -> None:
    assert len(PATTERNS) > 30
