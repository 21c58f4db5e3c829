"""Conversions of stored JSON texts for the migrations of `schema`. A released conversion is never changed."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sms10692_mock.stores.request_log import redact_headers

_HEADERS_INDEX: Final = 4
_FAULTS_INDEX: Final = 10
"""Indexes in the JSON array of a logged request."""

_ACCOUNT_KEYS: Final = {
    "may_read_reports": "can_read_queues",
    "dialect": "profile",
    "outcomes": "delivery_rules",
    "throwaway": "temporary",
}
_RULE_KEYS: Final = {"share": "probability", "remaining": "times"}
_OUTCOME_KEYS: Final = {"silent": "unreported"}
_FAULT_KEYS: Final = {"acts": "apply", "share": "probability", "remaining": "times", "seen": "evaluated"}
_FAULT_KINDS: Final = {
    "empty": "empty_body",
    "cut": "truncate",
    "close": "disconnect",
    "charset": "wrong_charset",
    "message": "vendor_error",
    "lose": "drop_fetch",
}


def redact_request(details: str) -> str:
    """Remove the credentials in the headers of a logged request (version 3)."""
    row = json.loads(details)
    row[_HEADERS_INDEX] = redact_headers(row[_HEADERS_INDEX])
    return json.dumps(row)


def rename_account(text: str) -> str:
    """Rename the keys and fault kinds of a serialized account (version 5)."""
    account = _rename_keys(json.loads(text), _ACCOUNT_KEYS)
    rules = account["delivery_rules"]
    rules["rules"] = [
        _rename_keys(rule, _RULE_KEYS) | {"outcome": _rename_keys(rule["outcome"], _OUTCOME_KEYS)}
        for rule in rules["rules"]
    ]
    account["faults"] = [_rename_fault(fault) for fault in account["faults"]]
    return json.dumps(account)


def rename_settings(text: str) -> str:
    """Rename the keys and kinds of the faults in serialized settings (version 5)."""
    settings = json.loads(text)
    settings["faults"] = [_rename_fault(fault) for fault in settings["faults"]]
    return json.dumps(settings)


def rename_request(details: str) -> str:
    """Rename the fault kinds of a logged request (version 5)."""
    row = json.loads(details)
    row[_FAULTS_INDEX] = [_FAULT_KINDS.get(kind, kind) for kind in row[_FAULTS_INDEX]]
    return json.dumps(row)


def _rename_fault(fault: dict[str, Any]) -> dict[str, Any]:
    renamed = _rename_keys(fault, _FAULT_KEYS)
    return renamed | {"kind": _FAULT_KINDS.get(renamed["kind"], renamed["kind"])}


def _rename_keys(document: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in document.items()}
