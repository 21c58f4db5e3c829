"""Tests of how a pasted command is split: like `shlex`, but in linear time, and further commands are counted."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692_mock.diagnosis.pasted.shell import split_command, split_words


def split_as_shlex_does(text: str) -> list[str] | None:
    lexer = shlex.shlex(text, posix=True, punctuation_chars="&|;<>")
    lexer.commenters, lexer.whitespace_split = "", True
    try:
        return list(lexer)
    except ValueError:
        return None


@given(st.text("ab '\"\\\\&;|<\n\t=-中", max_size=12))
def test_words_are_those_of_shlex(text: str) -> None:
    expected = split_as_shlex_does(text)
    if expected is None:
        with pytest.raises(ValueError, match=r"No (closing quotation|escaped character)"):
            split_words(text)
    else:
        assert split_words(text) == expected


@pytest.mark.parametrize("separator", ["\n", "; ", " && ", " || ", "\r\n"])
def test_further_commands_are_counted_and_those_in_quotes_are_not(separator: str) -> None:
    command = split_command(f"curl -d 'a=1;curl x' http://h/{separator}curl b{separator}wget c")
    assert (command.words, command.ignored) == (["-d", "a=1;curl x", "http://h/"], 2)


def test_a_word_of_a_megabyte_is_read() -> None:
    numbers = ",".join(["13800138000"] * 87_000)
    assert split_command(f"curl -d 'mobile={numbers}' http://h/").words == ["-d", f"mobile={numbers}", "http://h/"]
