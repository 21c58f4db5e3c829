"""Lines of access logs of web servers and proxies, and of the emulator's own log, which holds no parameters."""

import re
from typing import Final

from sms10692_mock.diagnosis.pasted.request import NotARequest, PastedRequest, TextForm, build_request

_REQUEST: Final = re.compile(r'"(GET|POST|HEAD) (/\S*) HTTP/[0-9.]+"')

_EMULATOR_LOG: Final = re.compile(
    r"(?:^|\s)[A-Z]+ /\S*(?: [^\n]*, userid [^\n]*\([0-9.]+ ms\)|: [1-5][0-9]{2}(?:,|$))", re.MULTILINE
)
"""A line of the access log, see `app.log_lines`."""


def _matches(text: str) -> bool:
    return _REQUEST.search(text) is not None or _EMULATOR_LOG.search(text) is not None


def _parse(text: str) -> PastedRequest:
    lines = _REQUEST.findall(text)
    if not lines:
        raise NotARequest("emulator-log")
    (method, target), *further = lines
    if method == "POST" and "?" not in target:
        raise NotARequest("body-not-logged")
    return build_request(method, target, [], b"")._replace(ignored=len(further))


LOG_LINE: Final = TextForm(_matches, _parse)
