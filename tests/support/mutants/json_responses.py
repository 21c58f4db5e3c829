"""Defects of JSON responses (`rt=json`, R15)."""

import json
from collections.abc import Callable
from typing import Any, Final

from sms10692 import protocol
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.server.http_types import Response
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant


def _change_document(change: Callable[[Any], Any], ascii_only: bool | None = None) -> Defect:
    def changed(request: ApiRequest, response: Response) -> Response:
        if not request.wants_json:
            return response
        is_ascii = request.endpoint is protocol.V2SMS_GBK if ascii_only is None else ascii_only
        return response._replace(body=json.dumps(change(json.loads(response.body)), ensure_ascii=is_ascii).encode())

    return Defect(response=changed)


def _numbers_to_text(value: Any) -> Any:
    """Convert every number to text."""
    if isinstance(value, dict):
        return {key: _numbers_to_text(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_numbers_to_text(member) for member in value]
    return str(value)


def _rename_key(old: str, new: str) -> Callable[[Any], Any]:
    return lambda value: json.loads(json.dumps(value).replace(f'"{old}":', f'"{new}":'))


def _unwrap_single_items(value: Any) -> Any:
    """Replace a list of one item with the item, as converters from XML do."""
    return {
        key: member[0] if isinstance(member, list) and len(member) == 1 else member for key, member in value.items()
    }


def _remove_empty_lists(value: Any) -> Any:
    return {key: member for key, member in value.items() if member != []}


def _encode_in_gbk(request: ApiRequest, response: Response) -> Response:
    if not request.wants_json or request.endpoint is not protocol.V2SMS_GBK:
        return response
    return response._replace(body=json.dumps(json.loads(response.body), ensure_ascii=False).encode("gbk"))


def _label_as_xml(request: ApiRequest, response: Response) -> Response:
    return response._replace(headers=[("Content-Type", "text/xml; charset=utf-8")]) if request.wants_json else response


def _add_status(value: Any) -> Any:
    return {"ReturnStatus": "Success", **value} if list(value) == ["Message"] else value


def _replace_text(old: str, new: str) -> Defect:
    return _change_document(lambda value: json.loads(json.dumps(value, ensure_ascii=False).replace(old, new)))


JSON_RESPONSES: Final = (
    Mutant(
        "rt=json is ignored",
        Defect(api_request=lambda request: request._replace(wants_json=False)),
        ("R15-send", "R15-overage", "R15-checkkeyword", "R15-status", "R15-call", "R15-errors"),
    ),
    Mutant(
        "rt is case-insensitive",
        Defect(fields=lambda fields: fields | {"rt": fields.get("rt", "").lower()}),
        ("R15-letter",),
    ),
    Mutant(
        "rt is trimmed", Defect(fields=lambda fields: fields | {"rt": fields.get("rt", "").strip()}), ("R15-letter",)
    ),
    Mutant("JSON is labelled as text/xml", Defect(response=_label_as_xml), ("R15-send", "R15-overage", "R15-status")),
    Mutant(
        "JSON numbers are strings",
        _change_document(_numbers_to_text),
        ("R15-send", "R15-overage", "R15-status", "R15-errors"),
    ),
    Mutant("TaskID of a JSON send spelt TaskId", _change_document(_rename_key("TaskID", "TaskId")), ("R15-send",)),
    Mutant(
        "TaskId of a JSON item spelt TaskID",
        _change_document(_rename_key("TaskId", "TaskID")),
        ("R15-status", "R15-call"),
    ),
    Mutant("Sucess corrected in JSON", _replace_text("Sucess", "Success"), ("R15-overage",)),
    Mutant("a single JSON item is not in a list", _change_document(_unwrap_single_items), ("R15-status", "R15-call")),
    Mutant("an empty queue in JSON is {}", _change_document(_remove_empty_lists), ("R15-status", "R15-call")),
    Mutant("JSON of the GBK endpoint is encoded in GBK", Defect(response=_encode_in_gbk), ("R15-gbk",)),
    Mutant(
        "JSON of the GBK endpoint is not ASCII", _change_document(lambda value: value, ascii_only=False), ("R15-gbk",)
    ),
    Mutant("JSON contains XML escapes", _replace_text("<", "&lt;"), ("R15-call",)),
    Mutant("Remark in JSON empty", _replace_text("参数不正确", ""), ("R15-errors",)),
    Mutant("Payinfo in JSON in English", _replace_text("预付费", "prepaid"), ("R15-overage",)),
    Mutant("checkkeyword in JSON with ReturnStatus", _change_document(_add_status), ("R15-checkkeyword",)),
)
