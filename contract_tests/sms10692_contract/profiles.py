"""Profiles: what the vendor of a brand sends in place of the manual's responses, as data (R22).

`BrandProfile` has the keys that the control API tells, and builds the documents that they demand from the templates of
`expected`. A key that the suite does not know changes nothing here. The checks of the keys are in `checks.brands`, with
those functions that change whole documents.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias

from sms10692_contract import expected
from sms10692_contract.clauses import CLAUSES
from sms10692_contract.http import HttpResponse
from sms10692_contract.requests import CHARSET_LABEL, CREDENTIALS, OLDER_ENDPOINTS, QUEUES, WireRequest

MANUAL_NAME: Final = "manual"
OBSERVED_NAME: Final = "observed"
"""The profiles that every emulator has."""

MANUAL_VALUES: Final[Mapping[str, Any]] = {clause.key: clause.manual for clause in CLAUSES if clause.key}
"""The keys that the suite knows, with their values in the manual's profile."""

TOO_FREQUENT: Final = "提交太频繁"
"""Message of a refusal for too many requests or codes. It is ours (R22)."""

NO_RECORDS: Final = "没有记录"

_MESSAGES: Final[Mapping[str, str]] = {
    "credentials-empty": expected.EMPTY_CREDENTIALS,
    "sql-injection": expected.SQL_INJECTION,
    "credentials-wrong": expected.WRONG_CREDENTIALS,
    "mobile-empty": expected.EMPTY_MOBILE,
    "content-empty": expected.EMPTY_CONTENT,
    "forbidden-word": expected.FORBIDDEN_CONTENT,
    "balance": expected.INSUFFICIENT_BALANCE,
    "too-many-requests": TOO_FREQUENT,
    "too-many-verification-codes": TOO_FREQUENT,
    "locked-out": expected.WRONG_CREDENTIALS,
    "timestamp-skew": expected.WRONG_CREDENTIALS,
    "timestamp-format": expected.WRONG_CREDENTIALS,
    "queues-not-allowed": expected.QUEUES_DENIED,
    "replies-not-allowed": expected.QUEUES_DENIED,
    "no-points": expected.INSUFFICIENT_BALANCE,
    "status-num": expected.INVALID_PARAMETER,
    "status-num-zero": expected.INVALID_PARAMETER,
}
"""The manual's message for a cause of a refusal, by its code in a profile's `texts`."""


def get_manual_message(cause: str) -> str:
    """Return the manual's message for a cause of a refusal: 其他错误 unless it has another."""
    return _MESSAGES.get(cause, expected.OTHER_ERROR)


_ERRORS: Final[Mapping[str, int]] = {
    expected.EMPTY_CREDENTIALS: 1,
    expected.WRONG_CREDENTIALS: 2,
    expected.QUEUES_DENIED: 3,
}
_QUEUE_ERRORS: Final[Mapping[int, Mapping[str, int]]] = {
    4: _ERRORS,
    6: {**_ERRORS, expected.INSUFFICIENT_BALANCE: 5, expected.OTHER_ERROR: 6},
}
"""Error numbers of the queues by the manual's message (4.4), by `queue_errors`. Any other message has the number 4."""

_WRONG_ACTIONS: Final[Mapping[int, str]] = {4: expected.INVALID_PARAMETER, 6: expected.OTHER_ERROR}
"""The message about another action of a queue, by `queue_errors`."""

ECHO: Final = expected.CHECKKEYWORD.replace(" <message>", " <returnstatus>Success</returnstatus>\n <message>").replace(
    "</message>", "</message>\n <checkCounts>{text}</checkCounts>"
)
"""Response to checkkeyword that repeats the text (A13)."""

PASSWORD_CHANGED: Final = (
    '<?xml version="1.0" encoding="{label}" ?><returnsms>\n'
    " <returnstatus>{status}</returnstatus>\n"
    " <message>{message}</message></returnsms>"
)
"""Response to changespwd, also a refusal (R20)."""

_SEND_REFUSED: Final = expected.SEND_REFUSED.replace(expected.ANY_VALUE, "0")
_OWN_REFUSALS: Final[Mapping[str, str]] = {
    "overage": expected.OVERAGE_REFUSED.replace("<payinfo>*", "<payinfo>").replace(expected.ANY_VALUE, "0"),
    "checkkeyword": expected.CHECKKEYWORD,
}
_REFUSALS: Final[Mapping[str, Mapping[str, str]]] = {"own": _OWN_REFUSALS, "send": {}}
"""Templates of refusals by `refusal_form` and action; those that are absent are the one of send."""

_JSON_SEND: Final = ("ReturnStatus", "Message", "RemainPoint", "TaskID", "SuccessCounts")
_JSON_REFUSALS: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    "overage": lambda message: {
        "ReturnStatus": "Faild",
        "Message": message,
        "Payinfo": "",
        "Overage": 0,
        "SendTotal": 0,
    },
    "checkkeyword": lambda message: {"Message": message},
    "changespwd": lambda message: {"ReturnStatus": "Faild", "Message": message},
}

KEYWORDS: Final[Mapping[str, str]] = {"message": expected.CHECKKEYWORD, "status": ECHO}
"""Templates by `keyword_form`."""

EMPTY_QUEUES: Final[Mapping[str, str]] = {
    "root": expected.EMPTY_QUEUE,
    "nothing": "",
    "error5": expected.ERRORSTATUS.format(error=5, remark=NO_RECORDS),
}
"""Documents by `empty_queue`."""

FORMAT_TIMES: Final[Mapping[str, Callable[[datetime], str]]] = {
    "padded": lambda time: f"{time:%Y-%m-%d %H:%M:%S}",
    "dashes": lambda time: f"{time.year}-{time.month}-{time.day} {time.hour}:{time:%M:%S}",
    "slashes": lambda time: f"{time.year}/{time.month}/{time.day} {time.hour}:{time:%M:%S}",
}
"""Writers of a receivetime by `receivetime`."""

DELIVERED: Final = "10"
STATES: Final[Mapping[str, Callable[[str, str], tuple[str, str | None]]]] = {
    "status-10": lambda status, errorcode: (status, errorcode),
    "status-DELIVRD": lambda status, errorcode: ("DELIVRD" if status == DELIVERED else "UNDELIV", None),
    "errorcode-10": lambda status, errorcode: (status, DELIVERED if status == DELIVERED else errorcode),
}
"""Functions from the manual's status and errorcode to those of a report, None if it has none, by `delivered`."""

JSON_FORMS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "pascal": lambda document: document,
    "lower": lambda document: _write_lower(document),
}
"""Functions from the manual's document in JSON to that of the profile, by `json_form`."""

SIGNED_TEXTS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "optional": lambda text, signature: text,
    "anywhere": lambda text, signature: f"【{signature}】{text}",
    "front": lambda text, signature: f"【{signature}】{text}",
    "end": lambda text, signature: f"{text}【{signature}】",
}
"""Texts that are accepted, by `text_signature`."""

_SIGNATURE: Final = "签名店"

_ITEM_ELEMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "statusbox": ("userid", "mobile", "taskid", "status", "receivetime", "errorcode", "extno"),
    "callbox": ("userid", "mobile", "taskid", "content", "receivetime", "extno"),
}
_IN_CDATA: Final = ("errorcode", "extno")


Rewrite: TypeAlias = Callable[[bytes, Any], bytes]
"""What a key changes in a document of the manual, in the charset of its endpoint: it is called with the value, which is
not the manual's. The values of elements have no `<` and no `>`.
"""

_REWRITES: Final[dict[str, Rewrite]] = {}


def rewrites(key: str) -> Callable[[Rewrite], Rewrite]:
    """Decorator: register a function that changes each document as a key demands. Raises ValueError if one does."""

    def register(rewrite: Rewrite) -> Rewrite:
        if key in _REWRITES:
            raise ValueError(f"the key {key} changes documents twice")
        _REWRITES[key] = rewrite
        return rewrite

    return register


@dataclass(frozen=True)
class BrandProfile:
    """A profile with its keys.

    `option` is the setting that gives an account the profile; None gives it the emulator's own.
    """

    name: str
    values: Mapping[str, Any]
    option: str | None

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def is_manual(self) -> bool:
        """Whether all keys that the suite knows are as in the manual's profile."""
        return all(self.values[key] == value for key, value in MANUAL_VALUES.items())

    def get_message(self, cause: str, word: str = "") -> str:
        """Return the message of a refusal; `word` is the forbidden word."""
        text: str = self["texts"].get(cause, get_manual_message(cause))
        return text.replace("{word}", word)

    def sign_text(self, text: str) -> str:
        """Return the text with a 【signature】 where the profile demands one."""
        return SIGNED_TEXTS[self["text_signature"]](text, self.signature)

    @property
    def signature(self) -> str:
        """A name between the 【】 that is as long as the profile demands: three characters if it accepts them."""
        least, most = self["text_signature_min"] or 1, self["text_signature_max"] or len(_SIGNATURE)
        length = max(min(len(_SIGNATURE), most), least)
        return (_SIGNATURE * length)[:length]

    def render(self, template: str, endpoint: str, **values: object) -> bytes:
        """Fill in a template, and change the document as the profile does."""
        document = expected.render_document(template, endpoint, **values)
        for key, rewrite in _REWRITES.items():
            if self[key] != MANUAL_VALUES[key]:
                document = rewrite(document, self[key])
        return document

    def get_error(self, cause: str) -> tuple[int, str]:
        """Return error number and remark of the refusal of a fetch. A message that is replaced keeps its number."""
        count = self["queue_errors"]
        manual = _WRONG_ACTIONS[count] if cause == "action" else get_manual_message(cause)
        return _QUEUE_ERRORS[count].get(manual, 4), self["texts"].get(cause, manual)

    def render_refusal(self, endpoint: str, action: str, cause: str, word: str = "") -> bytes:
        """Return the document that refuses a request with this action for this cause."""
        if endpoint in QUEUES:
            error, remark = self.get_error(cause)
            return self.render(expected.ERRORSTATUS, endpoint, error=error, remark=expected.escape_text(remark))
        message = expected.escape_text(self.get_message(cause, word))
        has_password = action == "changespwd" and (endpoint in OLDER_ENDPOINTS or self["signed_changespwd"])
        own = {"changespwd": PASSWORD_CHANGED} if has_password else {}
        template = {**own, **_REFUSALS[self["refusal_form"]]}.get(action, _SEND_REFUSED)
        return self.render(template, endpoint, status="Faild", message=message)

    def render_keyword(self, endpoint: str, is_found: bool, text: str) -> bytes:
        """Return the document for a text with or without a forbidden word."""
        message = expected.escape_text(self["keyword_found" if is_found else "keyword_clean"])
        template = KEYWORDS[self["keyword_form"]]
        return self.render(template, endpoint, message=message, text=expected.escape_text(text))

    def list_elements(self, item: str) -> list[str]:
        """Return the names of the elements of an item, a statusbox or a callbox."""
        is_present = {"userid": self["item_userid"], "extno": self["item_extno"]}
        is_present["errorcode"] = STATES[self["delivered"]](DELIVERED, "")[1] is not None
        return [name for name in _ITEM_ELEMENTS[item] if is_present.get(name, True)]

    def render_items(self, endpoint: str, item: str, rows: Sequence[Mapping[str, object]]) -> bytes:
        """Return the document with these items; the rows have every element, and their receivetime as datetime."""
        return self.render(expected.ITEM_LIST, endpoint, items="".join(self._render_item(item, row) for row in rows))

    def _render_item(self, item: str, row: Mapping[str, object]) -> str:
        if "status" in row:
            status, errorcode = STATES[self["delivered"]](str(row["status"]), str(row["errorcode"]))
            row = {**row, "status": status, "errorcode": errorcode}
        lines = "".join(f"\n <{name}>{self._write(name, row[name])}</{name}>" for name in self.list_elements(item))
        return f"\n <{item}>{lines}\n </{item}>"

    def _write(self, name: str, value: object) -> str:
        if isinstance(value, datetime):
            return FORMAT_TIMES[self["receivetime"]](value)
        if name in _IN_CDATA and self["cdata"]:
            return f"<![CDATA[{value}]]>"
        return expected.escape_text(str(value))

    def render_empty_queue(self, endpoint: str) -> bytes:
        """Return the response of an empty queue."""
        document = EMPTY_QUEUES[self["empty_queue"]]
        return self.render(document, endpoint) if document else b""

    def build_json_refusal(self, endpoint: str, action: str, cause: str) -> Any:
        """Return the same document in JSON, whose elements are the same in every profile (R22)."""
        if endpoint in QUEUES:
            error, remark = self.get_error(cause)
            return self.write_json({"ErrorStatus": {"Error": error, "Remark": remark}})
        return self.write_json(_JSON_REFUSALS.get(action, _refuse_send)(self.get_message(cause)))

    def write_json(self, document: Any) -> Any:
        """Return the manual's document in JSON as the profile has it."""
        return JSON_FORMS[self["json_form"]](document)

    # Requests of nobody

    def build_refusal(self, request: WireRequest, cause: str) -> HttpResponse:
        """Return the response that refuses a request without an account for this cause, in XML or in JSON."""
        fields = read_fields(request)
        endpoint, action = request.endpoint, fields.get("action", "")
        if fields.get(self["json_switch"].lower()) == "json":
            document = self.build_json_refusal(endpoint, action, cause)
            is_ascii = CHARSET_LABEL[endpoint] == "gb2312"
            text = json.dumps(document, ensure_ascii=is_ascii, separators=(",", ":"))
            return HttpResponse(200, "application/json", text.encode())
        body = self.render_refusal(endpoint, action, cause)
        return HttpResponse(200, f"text/xml; charset={CHARSET_LABEL[endpoint]}", body)

    def read_as_manual(self, request: WireRequest, response: HttpResponse, manual: "BrandProfile") -> HttpResponse:
        """Return the manual's response in place of the one with which this profile refuses a request of nobody.

        Any other response is returned as it is, so that it fails where the manual's is expected.
        """
        fields = read_fields(request)
        is_empty = not all(fields.get(name, "").strip() for name in CREDENTIALS[request.endpoint])
        for cause in ("credentials-empty",) if is_empty else ("credentials-wrong", "sql-injection"):
            refusal = self.build_refusal(request, cause)
            if (refusal.body, refusal.content_type) == (response.body, response.content_type):
                changed = manual.build_refusal(request, cause)
                return replace(response, body=changed.body, content_type=changed.content_type)
        return response


def _write_lower(value: Any) -> Any:
    """Return a document with keys in lower case and every value as text."""
    if isinstance(value, dict):
        return {key.lower(): _write_lower(member) for key, member in value.items()}
    return [_write_lower(member) for member in value] if isinstance(value, list) else str(value)


def _refuse_send(message: str) -> dict[str, Any]:
    return dict(zip(_JSON_SEND, ("Faild", message, 0, 0, 0), strict=True))


def read_fields(request: WireRequest) -> dict[str, str]:
    """Return the parameters as the vendor reads them, by their names in lower case (R14, R16)."""
    if not request.query_count and any(
        name.lower() == "content-type" and "json" in value.lower() for name, value in request.headers
    ):
        return {}
    fields: dict[str, list[str]] = {}
    for pairs in (request.pairs[request.query_count :], request.pairs[: request.query_count]):
        names = {name.lower() for name, _ in pairs}
        fields |= {wanted: [value for name, value in pairs if name.lower() == wanted] for wanted in names}
    return {name: ",".join(values) for name, values in fields.items()}


MANUAL: Final = BrandProfile(MANUAL_NAME, MANUAL_VALUES, MANUAL_NAME)


def parse_profile(document: Mapping[str, Any], option: str | None) -> BrandProfile:
    """Return the profile that the control API tells. Raises ValueError if it tells none."""
    match document:
        case {"name": str(name), "keys": dict(keys)} if all(
            isinstance(key, dict) and "value" in key for key in keys.values()
        ):
            return BrandProfile(name, {**MANUAL_VALUES, **{key: row["value"] for key, row in keys.items()}}, option)
    raise ValueError("the control API tells no profile")
