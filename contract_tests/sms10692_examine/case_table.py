"""The tables of cases and causes, `client_cases.toml`, in English and Chinese; and the vendor's words."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

_SOURCE: Final = Path(__file__).parents[2] / "fixtures" / "client_cases.toml"
"""The table in a checkout; an installed package has a copy beside this module."""

GROUPS: Final[Mapping[str, tuple[str, str]]] = {
    "request": ("What the client sends", "客户端发送的内容"),
    "response": ("What the client understands", "客户端对响应的理解"),
    "failure": ("What the client does when something fails", "出错时客户端的行为"),
    "once": ("Each item exactly once", "每个条目恰好处理一次"),
}


@dataclass(frozen=True, slots=True)
class CaseText:
    """A row of the table. `expected` is what a correct client does, `loss` the cost of getting it wrong.

    `source` is a section of the manual or a reading; `grade` is that of an observed rule, otherwise empty.
    """

    id: str
    group: str
    expected: str
    expected_zh: str
    loss: str
    loss_zh: str
    fix: str
    fix_zh: str
    source: str
    grade: str = ""


@dataclass(frozen=True, slots=True)
class CauseText:
    """What an observation shows to be wrong, in a case or in several, and how to mend it."""

    id: str
    text: str
    text_zh: str
    fix: str
    fix_zh: str


@dataclass(frozen=True, slots=True)
class VendorWords:
    """Words of the wire that cases use.

    `send_refusals`, `query_refusals` (of overage and checkkeyword) and `queue_errors` (from error 1 on) are messages in
    the order of the manual. `send_page` and `old_send_parameters` are those of the older endpoints.
    """

    send_page: str
    signed_parameters: Sequence[str]
    password_parameters: Sequence[str]
    send_parameters: Sequence[str]
    old_send_parameters: Sequence[str]
    send_refusals: Sequence[str]
    query_refusals: Sequence[str]
    queue_errors: Sequence[str]
    credentials_wrong: str
    balance_too_small: str
    other_error: str
    forbidden_in_send: str
    forbidden_found: str
    postpaid: str


@cache
def _load_table() -> Mapping[str, Any]:
    installed = resources.files("sms10692_examine") / "client_cases.toml"
    text = installed.read_text("utf-8") if installed.is_file() else _SOURCE.read_text("utf-8")
    table: Mapping[str, Any] = tomllib.loads(text)
    return table


@cache
def load_cases() -> Mapping[str, CaseText]:
    """Read the table; the cases by id, in its order."""
    return {row["id"]: CaseText(**row) for row in _load_table()["case"]}


@cache
def load_causes() -> Mapping[str, CauseText]:
    """Read the table of causes, by id."""
    return {row["id"]: CauseText(**row) for row in _load_table()["cause"]}


VENDOR: Final = VendorWords(**_load_table()["vendor"])
