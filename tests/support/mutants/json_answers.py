"""Answers in JSON that are not what R15 says.

Here belongs what only `rt=json` shows.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from sms10692 import protocol
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.server.http_types import Response
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant


def _document(change: Callable[[Any], Any], ascii_only: bool | None = None) -> Defect:
    def changed(call: ApiRequest, one: Response) -> Response:
        if not call.wants_json:
            return one
        is_ascii = call.page is protocol.V2SMS_GBK if ascii_only is None else ascii_only
        return one._replace(body=json.dumps(change(json.loads(one.body)), ensure_ascii=is_ascii).encode())

    return Defect(response=changed)


def _texts(value: Any) -> Any:
    """Every number as text."""
    if isinstance(value, dict):
        return {key: _texts(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_texts(one) for one in value]
    return str(value)


def _renamed(old: str, new: str) -> Callable[[Any], Any]:
    return lambda value: json.loads(json.dumps(value).replace(f'"{old}":', f'"{new}":'))


def _alone(value: Any) -> Any:
    """A list of one is its item, as converters from XML have it."""
    return {key: one[0] if isinstance(one, list) and len(one) == 1 else one for key, one in value.items()}


def _nothing(value: Any) -> Any:
    return {key: one for key, one in value.items() if one != []}


def _in_gbk(call: ApiRequest, one: Response) -> Response:
    if not call.wants_json or call.page is not protocol.V2SMS_GBK:
        return one
    return one._replace(body=json.dumps(json.loads(one.body), ensure_ascii=False).encode("gbk"))


def _as_xml(call: ApiRequest, one: Response) -> Response:
    return one._replace(headers=[("Content-Type", "text/xml; charset=utf-8")]) if call.wants_json else one


def _with_status(value: Any) -> Any:
    return {"ReturnStatus": "Success", **value} if list(value) == ["Message"] else value


def _reworded(old: str, new: str) -> Defect:
    return _document(lambda value: json.loads(json.dumps(value, ensure_ascii=False).replace(old, new)))


JSON_ANSWERS: Final = (
    Mutant(
        "rt=json is ignored",
        Defect(call=lambda call: call._replace(wants_json=False)),
        ("R15-send", "R15-overage", "R15-checkkeyword", "R15-status", "R15-call", "R15-errors"),
    ),
    Mutant(
        "rt in any case", Defect(fields=lambda fields: fields | {"rt": fields.get("rt", "").lower()}), ("R15-letter",)
    ),
    Mutant("rt trimmed", Defect(fields=lambda fields: fields | {"rt": fields.get("rt", "").strip()}), ("R15-letter",)),
    Mutant("JSON as text/xml", Defect(response=_as_xml), ("R15-send", "R15-overage", "R15-status")),
    Mutant("numbers of JSON as texts", _document(_texts), ("R15-send", "R15-overage", "R15-status", "R15-errors")),
    Mutant("TaskID in JSON spelt TaskId", _document(_renamed("TaskID", "TaskId")), ("R15-send",)),
    Mutant("TaskId of a box spelt TaskID", _document(_renamed("TaskId", "TaskID")), ("R15-status", "R15-call")),
    Mutant("Sucess corrected in JSON", _reworded("Sucess", "Success"), ("R15-overage",)),
    Mutant("one report in JSON is no list", _document(_alone), ("R15-status", "R15-call")),
    Mutant("nothing to fetch in JSON is {}", _document(_nothing), ("R15-status", "R15-call")),
    Mutant("JSON in the bytes of the GBK page", Defect(response=_in_gbk), ("R15-gbk",)),
    Mutant("JSON in UTF-8 on the GBK page", _document(lambda value: value, ascii_only=False), ("R15-gbk",)),
    Mutant("JSON with the escapes of XML", _reworded("<", "&lt;"), ("R15-call",)),
    Mutant("Remark in JSON empty", _reworded("参数不正确", ""), ("R15-errors",)),
    Mutant("Payinfo in JSON in English", _reworded("预付费", "prepaid"), ("R15-overage",)),
    Mutant("checkkeyword in JSON with ReturnStatus", _document(_with_status), ("R15-checkkeyword",)),
)
