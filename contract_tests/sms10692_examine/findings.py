"""The emulator's findings about requests, with the sentences in both languages."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

from sms10692_examine.observations import Translated
from sms10692_mock import Emulator, SmsVendor


@dataclass(frozen=True, slots=True)
class FoundCode:
    """A code of the findings about an account's requests: the first sentence, and how often the code was found."""

    code: str
    sentence: Translated
    count: int


def find_codes(emulator: Emulator, vendor: SmsVendor) -> Iterator[FoundCode]:
    """Yield the findings about the requests of an account, each code once."""
    found = [(request.number, finding) for request in vendor.requests() for finding in request.diagnosis]
    codes = [finding.code for _, finding in found]
    for code in dict.fromkeys(codes):
        number, first = found[codes.index(code)]
        sentence = next(sentence for sentence in find_sentences(emulator, number) if str(sentence) == first.sentence)
        yield FoundCode(code, sentence, codes.count(code))


def find_sentences(emulator: Emulator, number: int) -> Iterator[Translated]:
    """Yield the sentences of the findings about a request, by its number, of any account or none."""
    english, chinese = (_read_sentences(emulator, number, language) for language in ("en", "zh"))
    yield from map(Translated, english, chinese)


def _read_sentences(emulator: Emulator, number: int, language: str) -> list[str]:
    url = f"{emulator.url}/_mock/requests/{number}?lang={language}"
    with urlopen(url, timeout=30) as response:  # noqa: S310 - the address of the examiner's own emulator
        document: Any = json.load(response)
    return [finding["sentence"] for finding in document["diagnosis"]]
