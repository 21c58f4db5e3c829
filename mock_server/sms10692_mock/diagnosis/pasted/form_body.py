"""Bodies of forms, without a head. A byte order mark before the form is a part of it."""

import re
from typing import Final

from sms10692_mock.codec.forms import FORM
from sms10692_mock.diagnosis.pasted.request import PastedRequest, TextForm, encode_text, guess_path, split_pairs

_BEGINNING: Final = re.compile(r"\ufeff?[?'\"]?[\w.%\[\]; -]{1,100}(?:=|%3[Dd])")
_NEXT: Final = re.compile(r"\r?\n(?=(?:[\w.]+=[^&\r\n]*&)*(?:action|userid)=)")


def _parse(text: str) -> PastedRequest:
    first, *further = _NEXT.split(text.strip(" \t\r\n"))
    body = encode_text(first)
    path = guess_path(split_pairs(body.removeprefix(b"\xef\xbb\xbf")))
    return PastedRequest("POST", path, b"", [("Content-Type", FORM)], body, ignored=len(further))


FORM_BODY: Final = TextForm(_BEGINNING.match, _parse)
