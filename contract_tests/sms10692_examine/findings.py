"""The emulator's findings about requests, with the sentences in both languages."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from sms10692_examine.observations import Observation
from sms10692_mock import Emulator, SmsVendor


class Sentence(Observation):
    """A text of the emulator, which has its own Chinese."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__("{}", english)
        self._chinese = chinese

    def in_chinese(self) -> str:
        return self._chinese


@dataclass(frozen=True, slots=True)
class FoundCode:
    """A code of the findings about an account's requests: the first sentence, and how often the code was found."""

    code: str
    sentence: Sentence
    count: int


def find_codes(emulator: Emulator, vendor: SmsVendor) -> Iterator[FoundCode]:
    """Yield the findings about the requests of an account, each code once."""
    userid = quote(str(vendor.credentials["userid"]), safe="")
    found = [(request.number, finding) for request in vendor.requests() for finding in request.diagnosis]
    codes = [finding.code for _, finding in found]
    for code in dict.fromkeys(codes):
        number, first = found[codes.index(code)]
        url = f"{emulator.url}/_mock/accounts/{userid}/requests/{number}?lang=zh"
        with urlopen(url, timeout=30) as response:  # noqa: S310 - the address of the examiner's own emulator
            document: Any = json.load(response)
        chinese = next(finding["sentence"] for finding in document["diagnosis"] if finding["code"] == code)
        yield FoundCode(code, Sentence(first.sentence, chinese), codes.count(code))
