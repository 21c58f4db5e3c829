"""Values of findings in words of this program, which a translation translates: `Phrase`.

A value that a client sent is a plain string, and no translation changes it.
"""

from functools import cache
from typing import Final


class Phrase(str):
    """A value in words of this program: its English text, and the template and the arguments that give the text.

    The Chinese template is in `findings.zh.toml`, in the table `phrases`. **A text of a client is an argument, never a
    part of the template.**

    >>> Phrase("{} behind {}", Phrase("a tab"), "userid")
    'a tab behind userid'
    """

    template: str
    arguments: tuple[str, ...]

    def __new__(cls, template: str, *arguments: str) -> "Phrase":
        phrase = super().__new__(cls, template.format(*arguments) if arguments else template)
        phrase.template, phrase.arguments = template, arguments
        return phrase


@cache
def build_list(*words: str) -> Phrase:
    """Return the phrase of a list of words of this program.

    >>> build_list("account", "password")
    'account, password'
    """
    return Phrase(", ".join(["{}"] * len(words)), *map(Phrase, words))


def build_duration(seconds: float) -> Phrase:
    """Return a rounded duration in the largest suitable unit.

    >>> build_duration(7300), build_duration(90)
    ('2 hours', '90 seconds')
    """
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return Phrase(f"{{}} {unit}", f"{seconds / size:.0f}")
    return Phrase("{} seconds", f"{seconds:.0f}")


_UNITS: Final = ((86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes"))
