"""What is wrong with a request, in Chinese: a sentence for each code of the diagnosis.

Here belongs looking a sentence up. The sentences are data, in `findings.zh.toml`; the English ones are the
diagnosis' own.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def sentences() -> Mapping[str, str]:
    """All of them, by code."""
    table = tomllib.loads((files(__package__) / "findings.zh.toml").read_text("utf-8"))
    return {f"{kind}.{code}": sentence for kind, some in table.items() for code, sentence in some.items()}


def in_chinese(code: str, detail: str) -> str:
    """The sentence of this code, with its detail.

    >>> in_chinese("habit.polling", "3")
    '这个队列 3 秒前刚获取过：30 秒一次就够了。'
    """
    return sentences()[code].format(detail)
