"""Requests as people paste them: one module for each form of text. Nothing is sent, and no file is read.

A new form is a module with a `TextForm`, and a row of `FORMS`.
"""

from typing import Final

from sms10692_mock.diagnosis.pasted.curl import CURL
from sms10692_mock.diagnosis.pasted.fetch import FETCH
from sms10692_mock.diagnosis.pasted.form_body import FORM_BODY
from sms10692_mock.diagnosis.pasted.har import HAR
from sms10692_mock.diagnosis.pasted.httpie import HTTPIE
from sms10692_mock.diagnosis.pasted.json_body import JSON_BODY
from sms10692_mock.diagnosis.pasted.log_line import LOG_LINE
from sms10692_mock.diagnosis.pasted.postman import POSTMAN
from sms10692_mock.diagnosis.pasted.powershell import POWERSHELL
from sms10692_mock.diagnosis.pasted.raw_http import RAW_HTTP
from sms10692_mock.diagnosis.pasted.request import MAX_LENGTH, NotARequest, PastedRequest, Problem, TextForm
from sms10692_mock.diagnosis.pasted.url import URL
from sms10692_mock.diagnosis.pasted.wget import WGET

__all__ = ["FORMS", "MAX_LENGTH", "NotARequest", "PastedRequest", "Problem", "parse_pasted"]

FORMS: Final[tuple[TextForm, ...]] = (
    CURL,
    WGET,
    POWERSHELL,
    FETCH,
    POSTMAN,
    HAR,
    RAW_HTTP,
    HTTPIE,
    URL,
    LOG_LINE,
    JSON_BODY,
    FORM_BODY,
)
"""The forms of pasted texts. The first that matches is parsed."""


def parse_pasted(text: str) -> PastedRequest:
    """Parse a request in any of the known forms. Raises NotARequest.

    >>> parse_pasted("curl http://127.0.0.1:10692/v2sms.aspx -d action=send").body
    b'action=send'
    >>> parse_pasted("action=overage&userid=12").path
    '/v2sms.aspx'
    """
    if len(text) > MAX_LENGTH:
        raise NotARequest("too-long", MAX_LENGTH)
    text = text.lstrip(" \t\r\n")
    bare = text.removeprefix("\ufeff").lstrip(" \t\r\n")
    if not bare.strip():
        raise NotARequest("empty")
    for form in FORMS:
        if form.matches(bare):
            # A byte order mark belongs to a form that begins with it, and to no other text.
            return form.parse(text if form is FORM_BODY else bare)
    raise NotARequest("unknown-form")
