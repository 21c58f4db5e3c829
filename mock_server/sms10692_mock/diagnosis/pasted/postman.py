"""Postman collections (format 2.0 and 2.1): an exported collection, or one of its items."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sms10692_mock.codec.forms import FORM
from sms10692_mock.diagnosis.pasted.request import (
    MULTIPART,
    FormField,
    NotARequest,
    PastedRequest,
    TextForm,
    build_chosen,
    build_multipart,
    build_request,
    encode_text,
    join_pairs,
)

_KEYS: Final = re.compile(r'"(?:item|header|urlencoded|formdata)"\s*:')
"""Keys that no HAR file has."""

_VARIABLE: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


_MAX_NAME: Final = 60
"""Maximum characters of the name of an item that are shown."""


def _matches(text: str) -> bool:
    return text[0] == "{" and '"request"' in text and _KEYS.search(text) is not None


def _parse(text: str) -> PastedRequest:
    """Parse the requests for endpoints of the vendor, or the last of all if there is none.

    Variables of the collection are filled in. Those of an environment are not in the text and stay as they are.
    """
    try:
        document: Any = json.loads(text)
        values = {str(one["key"]): str(one.get("value", "")) for one in document.get("variable", ())}
        items = list(_find_requests(document))
        urls = [_read_url(request, values) for _, request in items]

        def build(index: int) -> PastedRequest:
            name, request = items[index]
            pasted = _build(request, urls[index], values, request.get("auth") or document.get("auth"))
            return pasted._replace(label=f"{index + 1} {name[:_MAX_NAME]}".rstrip())

        return build_chosen(urls, build)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotARequest("postman", error) from None


def _find_requests(item: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and the requests of a folder or an item. A request may be a URL alone."""
    if "request" in item:
        request = item["request"]
        yield " ".join(str(item.get("name") or "").split()), {"url": request} if isinstance(request, str) else request
    for inner in item.get("item", ()):
        yield from _find_requests(inner)


def _fill_in(text: object, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), str(text))


def _read_url(request: Any, values: Mapping[str, str]) -> str:
    url = request["url"]
    return _fill_in(url if isinstance(url, str) else url["raw"], values)


def _read_pairs(rows: Any, values: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        (_fill_in(row["key"], values), _fill_in(row.get("value") or "", values))
        for row in rows
        if not row.get("disabled")
    ]


def _build(request: Any, url: str, values: Mapping[str, str], auth: Any) -> PastedRequest:
    headers = _read_pairs(request.get("header") or (), values)
    if auth and auth.get("type") in ("basic", "bearer"):
        headers.append(("Authorization", str(auth["type"])))
    content_type, body = _read_body(request.get("body") or {}, values)
    if content_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", content_type))
    return build_request(str(request.get("method", "GET")).upper(), url, headers, body)


def _read_body(body: Any, values: Mapping[str, str]) -> tuple[str, bytes]:
    """Return the content type that Postman adds, and the body as Postman sends it. Bodies from files are empty."""
    mode = body.get("mode")
    if mode == "urlencoded":
        return FORM, encode_text(join_pairs(_read_pairs(body[mode], values)))
    if mode == "formdata":
        fields = [FormField(*pair) for pair in _read_pairs(body[mode], values)]
        return MULTIPART, encode_text(build_multipart(fields))
    if mode == "raw":
        language = body.get("options", {}).get("raw", {}).get("language", "text")
        return _RAW_TYPES.get(language, "text/plain"), encode_text(_fill_in(body[mode], values))
    return "", b""


_RAW_TYPES: Final = {"json": "application/json", "xml": "application/xml", "html": "text/html"}


POSTMAN: Final = TextForm(_matches, _parse)
