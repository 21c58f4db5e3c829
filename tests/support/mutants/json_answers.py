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
    def changed(call: ApiRequest, one: Response) -> Response:
        if not call.wants_json:
            return one
        is_ascii = call.page is protocol.V2SMS_GBK if ascii_only is None else ascii_only
        return one._replace(body=json.dumps(change(json.loads(one.body)), ensure_ascii=is_ascii).encode())

    return Defect(response=changed)


def _numbers_to_text(value: Any) -> Any:
    """Convert every number to text."""
    if isinstance(value, dict):
        return {key: _numbers_to_text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_numbers_to_text(one) for one in value]
    return str(value)


def _rename_key(old: str, new: str) -> Callable[[Any], Any]:
    return lambda value: json.loads(json.dumps(value).replace(f'"{old}":', f'"{new}":'))


def _unwrap_single_items(value: Any) -> Any:
    """Replace a list of one item with the item, as converters from XML do."""
    return {key: one[0] if isinstance(one, list) and len(one) == 1 else one for key, one in value.items()}


def _remove_empty_lists(value: Any) -> Any:
    return {key: one for key, one in value.items() if one != []}


def _encode_in_gbk(call: ApiRequest, one: Response) -> Response:
    if not call.wants_json or call.page is not protocol.V2SMS_GBK:
        return one
    return one._replace(body=json.dumps(json.loads(one.body), ensure_ascii=False).encode("gbk"))


def _label_as_xml(call: ApiRequest, one: Response) -> Response:
    return one._replace(headers=[("Content-Type", "text/xml; charset=utf-8")]) if call.wants_json else one


def _add_status(value: Any) -> Any:
    return {"ReturnStatus": "Success", **value} if list(value) == ["Message"] else value


def _replace_text(old: str, new: str) -> Defect:
    return _change_document(lambda value: json.loads(json.dumps(value, ensure_ascii=False).replace(old, new)))


JSON_ANSWERS: Final = (
    Mutant(
        "rt=json is ignored",
        Defect(api_request=lambda call: call._replace(wants_json=False)),
        ("R15-send", "R15-overage", "R15-checkkeyword", "R15-status", "R15-call", "R15-errors"),
    ),
    Mutant(
        "rt in any case", Defect(fields=lambda fields: fields | {"rt": fields.get("rt", "").lower()}), ("R15-letter",)
    ),
    Mutant("rt trimmed", Defect(fields=lambda fields: fields | {"rt": fields.get("rt", "").strip()}), ("R15-letter",)),
    Mutant("JSON as text/xml", Defect(response=_label_as_xml), ("R15-send", "R15-overage", "R15-status")),
    Mutant(
        "numbers of JSON as texts",
        _change_document(_numbers_to_text),
        ("R15-send", "R15-overage", "R15-status", "R15-errors"),
    ),
    Mutant("TaskID in JSON spelt TaskId", _change_document(_rename_key("TaskID", "TaskId")), ("R15-send",)),
    Mutant(
        "TaskId of a box spelt TaskID", _change_document(_rename_key("TaskId", "TaskID")), ("R15-status", "R15-call")
    ),
    Mutant("Sucess corrected in JSON", _replace_text("Sucess", "Success"), ("R15-overage",)),
    Mutant("one report in JSON is no list", _change_document(_unwrap_single_items), ("R15-status", "R15-call")),
    Mutant("nothing to fetch in JSON is {}", _change_document(_remove_empty_lists), ("R15-status", "R15-call")),
    Mutant("JSON in the bytes of the GBK page", Defect(response=_encode_in_gbk), ("R15-gbk",)),
    Mutant("JSON in UTF-8 on the GBK page", _change_document(lambda value: value, ascii_only=False), ("R15-gbk",)),
    Mutant("JSON with the escapes of XML", _replace_text("<", "&lt;"), ("R15-call",)),
    Mutant("Remark in JSON empty", _replace_text("参数不正确", ""), ("R15-errors",)),
    Mutant("Payinfo in JSON in English", _replace_text("预付费", "prepaid"), ("R15-overage",)),
    Mutant("checkkeyword in JSON with ReturnStatus", _change_document(_add_status), ("R15-checkkeyword",)),
)
