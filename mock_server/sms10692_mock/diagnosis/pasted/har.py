"""HAR, the format in which browsers and proxies export requests: an entry, or a whole file."""

import json
from typing import Any, Final

from sms10692_mock.diagnosis.pasted.request import (
    NotARequest,
    PastedRequest,
    TextForm,
    build_chosen,
    build_request,
    encode_text,
    join_pairs,
)


def _matches(text: str) -> bool:
    return text[0] == "{" and '"request"' in text


def _parse(text: str) -> PastedRequest:
    """Parse a HAR entry, or of a whole HAR file the entries for endpoints of the vendor, if there are any."""
    try:
        document: Any = json.loads(text)
        entries = document["log"]["entries"] if "log" in document else [document]
        requests = [entry.get("request", entry) for entry in entries]
        return build_chosen(
            [str(request["url"]) for request in requests],
            lambda index: _build(requests[index])._replace(label=str(index + 1)),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotARequest("har", error) from None


def _build(request: Any) -> PastedRequest:
    headers = [(str(one["name"]), str(one["value"])) for one in request.get("headers", ())]
    posted = request.get("postData") or {}
    body = encode_text(str(posted.get("text") or _join(posted.get("params", ()))))
    if posted.get("mimeType") and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", str(posted["mimeType"])))
    return build_request(str(request["method"]).upper(), str(request["url"]), headers, body)


def _join(parameters: Any) -> str:
    return join_pairs((str(one["name"]), str(one.get("value", ""))) for one in parameters)


HAR: Final = TextForm(_matches, _parse)
