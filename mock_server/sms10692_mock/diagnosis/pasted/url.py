"""URLs and paths, one on each line."""

import re
from typing import Final

from sms10692_mock.diagnosis.pasted.request import PastedRequest, TextForm, build_request

_BEGINNING: Final = re.compile(r"https?://|/", re.IGNORECASE)


def _matches(text: str) -> bool:
    lines = text.strip().splitlines()
    return bool(lines) and all(_BEGINNING.match(line.strip()) for line in lines)


def _parse(text: str) -> PastedRequest:
    first, *further = text.strip().splitlines()
    return build_request("GET", first.strip(), [], b"")._replace(ignored=len(further))


URL: Final = TextForm(_matches, _parse)
