"""How the search of the site splits text into words, in the index and in the browser alike.

Text in Chinese is split into overlapping pairs of characters: 状态报告 is found as 状态, 态报 and 报告. A query of two
or more characters finds the pages that contain it, whichever words a dictionary would see. Other text is split into
words, which are reduced to their English stems. Sphinx ignores numbers, but a reader looks for 10000000030: a number is
a word that begins with `#`.
"""

import re

from sphinx.search.en import SearchEnglish

_WORDS = re.compile(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+")


class PairsOfCharacters(SearchEnglish):
    """English words, and pairs of Chinese characters."""

    lang = "pairs"
    language_name = "English"  # The name of the stemmer in the browser.
    js_splitter_code = r"""
var splitQuery = (query) =>
  (query.match(/[\u3400-\u9fff]+|(?:(?![\u3400-\u9fff])[\p{Letter}\p{Number}_])+/gu) ?? []).flatMap((word) =>
    /[\u3400-\u9fff]{2}/.test(word) ? [...word].slice(1).map((_, i) => word.slice(i, i + 2))
    : /^[0-9]+$/.test(word) ? ["#" + word] : [word]
  );
"""

    def split(self, input: str) -> list[str]:  # noqa: A002 - the base class has this name
        """Return the words and pairs of a text."""
        words = []
        for word in _WORDS.findall(input):
            if len(word) > 1 and "\u3400" <= word[0] <= "\u9fff":
                words += [word[at : at + 2] for at in range(len(word) - 1)]
            else:
                words.append(f"#{word}" if word.isdigit() else word)
        return words
