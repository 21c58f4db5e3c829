"""Bodies of JSON, which the endpoints do not read: their parameters are known all the same."""

import json
from typing import Any, Final

from sms10692_mock.diagnosis.pasted.request import PastedRequest, TextForm, encode_text, guess_path


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _matches(text: str) -> bool:
    return text[0] in "{[" and isinstance(_load(text), dict | list)


def _parse(text: str) -> PastedRequest:
    document = _load(text)
    first = document[0] if isinstance(document, list) and document else document
    fields = {str(name).lower(): str(value) for name, value in first.items()} if isinstance(first, dict) else {}
    headers = [("Content-Type", "application/json")]
    return PastedRequest("POST", guess_path(fields), b"", headers, encode_text(text.strip()))


JSON_BODY: Final = TextForm(_matches, _parse)
