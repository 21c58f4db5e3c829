"""Generator of the clauses of keys of profiles in `fixtures/clauses.toml`: one for each key, with the manual's value.

`make docs` runs it before `reference_tables`, which reads the clauses. A test compares the file with what it generates.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sms10692_mock.domain.profiles import KEYS, MANUAL
from sms10692_mock.profile_file import format_value

CLAUSES: Final = Path(__file__).parents[1] / "fixtures" / "clauses.toml"
_BEGIN: Final = "# Clauses of the keys of profiles: written by make docs\n"
_END: Final = "# End of the clauses of keys\n"

_GROUPS: Final = {
    "observed": ("brands", "A19"),
    "reading": ("brands-reading", "R22"),
    "ours": ("brands-ours", "R22"),
}
"""Group and source of the clause of a key, by the provenance of the key."""


_LITERALS: Final[Mapping[str, str]] = {
    "keyword_form": "<checkCounts>…</checkCounts>",
    "keyword_clean": "未包含非法字符",
    "keyword_found": "包含屏蔽字符",
    "cdata": "<![CDATA[DELIVRD]]>",
    "receivetime": "2011-1-2 3:04:05",
    "item_userid": "<userid>…</userid>",
    "delivered": "status DELIVRD",
    "empty_queue": "没有记录",
    "queue_errors": "其他错误",
    "signed_changespwd": "action=changespwd",
    "json_switch": "dataType=json",
    "json_form": '{"returnstatus":…}',
    "send_time_formats": "sendTime=20101024090810",
    "text_signature": "短信必须带【】格式签名",
    "check_words": "checkContent=1",
    "requests_per_second": "提交太频繁",
    "requests_per_minute": "提交太频繁",
    "texts": "扩展子号只能是数字",
}
"""What a key shows on the wire, where that can be quoted."""
_OLDER_ONLY: Final = ("check_words",)
"""Keys that only the older endpoints show."""


def _render_clauses(written: str) -> str:
    """Render the clause of each key of a profile. What the rows say about runs at real servers is kept."""
    observed = dict(re.findall(r'^id = "(.+)"\n(?:.+\n)*?(last_observed = .+)$', written, re.MULTILINE))
    parts = []
    for name, spec in KEYS.items():
        group, source = _GROUPS[spec.provenance]
        row = {
            "id": f"D-{name.replace('_', '-')}",
            "group": group,
            "provenance": spec.provenance,
            "source": source,
            "grade": spec.grade,
            "text": f"`{name}` of the profile has its effect. {spec.en}",
            "text_zh": f"品牌配置的 `{name}` 生效。{spec.zh}",
            "literal": _LITERALS.get(name, ""),
            "key": name,
        }
        lines = [f"{field} = {json.dumps(value, ensure_ascii=False)}" for field, value in row.items() if value]
        if manual := format_value(getattr(MANUAL, name)):
            lines.append(f"manual = {manual}")
        lines.append(f"permissions = {json.dumps(['older', 'control'] if name in _OLDER_ONLY else ['control'])}")
        lines += filter(None, [observed.get(row["id"])])
        parts.append("\n".join(["[[clause]]", *lines, ""]))
    return "\n" + "\n".join(parts)


def render_file(text: str) -> str:
    """Return the text of the file with these clauses in their place. Raises ValueError if their place is missing."""
    before, begin, rest = text.partition(_BEGIN)
    written, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{CLAUSES.name} has no lines {_BEGIN!r} and {_END!r}")
    return before + begin + _render_clauses(written) + end + after


if __name__ == "__main__":
    CLAUSES.write_text(render_file(CLAUSES.read_text("utf-8")), "utf-8")
