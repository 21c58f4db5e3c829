"""Generator of `docs/contract.md` in both languages, and of the tables of the documents that come from the registries.

`make docs` runs it. A test compares the documents with what this module generates.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final

from findings_page import render_findings
from sms10692 import protocol
from sms10692_contract.checks.brands import LEARNABLE, NOT_LEARNABLE
from sms10692_contract.clauses import CLAUSES, FAMILIES, GROUPS, Clause, Provenance, count_observed
from sms10692_contract.probes import PROBES
from sms10692_examine.case_table import load_cases, load_causes
from sms10692_examine.driver_protocol import build_schema
from sms10692_mock.admin.console.clauses import clauses as console_clauses
from sms10692_mock.domain.delivery import RESERVED_NUMBERS
from sms10692_mock.domain.fault_kinds import FAULT_KINDS, FaultSpec
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.profiles import KEYS, MANUAL, OBSERVED
from sms10692_mock.profile_file import format_value
from sms10692_mock.serve_options import OPTIONS
from sms10692_mock.stores.factory import STORES
from vendor_api_page import build_parameter_rows, build_response_rows

_TREE: Final = Path(__file__).parents[1]
_ENGLISH, _CHINESE = "", ".zh-CN"

_PERMISSIONS: Final = {
    "send": "`--allow-send`",
    "fetch": "`--allow-fetch`",
    "control": "`--control`",
    "older": "`--endpoints all`",
}

_CONTRACT_HEAD: Final = """# The contract

[中文](contract.zh-CN.md)

Generated from `fixtures/clauses.toml`; do not edit. The clauses that `sms10692-contract` checks, by what they rest on.
A server that offers no control API must hold the first group only, unless `--demand` says otherwise.

| label | meaning |
|---|---|
| manual | the words of the manual demand it, in the chapter named; compared by meaning, whatever the XML layout is |
| observed | seen in requests of real clients (Q) or responses of real servers (A), with its grade |
| reading | the manual is silent; [`fixtures/readings.md`](../fixtures/readings.md) says what we chose and why (R) |
| ours | nothing speaks for or against it |

Grades: S three or more independent sources; M two, or one with certain white space; W one, or indirect.
*permissions* are the options required to check the clause; clauses without one can be checked on any server.
*last observed* is the last run at a real server in which the clause held: {observed} of {count} clauses have one
([how to add one](evidence.md)).
The letters of the ids: {families}.
"""
_CONTRACT_HEAD_ZH: Final = """# 契约

[English](contract.md)

由 `fixtures/clauses.toml` 生成，请勿编辑。`sms10692-contract` 检查的条款，按依据排列。
不提供管理接口的服务器只需满足第一组，除非 `--demand` 另有规定。

| 标签 | 含义 |
|---|---|
| manual | 接口文档的原文要求如此，见所列章节；按含义比较，不论 XML 怎样排版 |
| observed | 见于真实客户端的请求（Q）或真实服务器的响应（A），附等级 |
| reading | 接口文档没有说明；[`fixtures/readings.md`](../fixtures/readings.zh-CN.md) 写明我们的选择和理由（R） |
| ours | 没有任何依据支持或反对 |

等级：S 三个或更多独立来源；M 两个来源，或一个来源且空白确定；W 一个来源，或间接依据。
*权限* 是检查该条款需要的选项；没有权限的条款可以在任何服务器上检查。
*最近观察* 是最近一次在真实服务器上检查且成立的时间和服务器：{count} 条中有 {observed} 条
（[如何补充](evidence.zh-CN.md)）。
编号的字母：{families}。
"""
_FAMILIES_ZH: Final = {
    "Q": "真实客户端发送的请求",
    "A": "真实服务器的响应",
    "R": "解读",
    "C": "并发请求",
    "M": "随机顺序的请求，与模型比较",
    "N": "条数的边界",
    "B": "账号之间",
    "O": "混合的结果，以及两个接口地址",
    "T": "时间",
    "P": "价格与余额",
    "S": "响应不取决于之前的请求",
    "F": "请求的形式",
    "E": "旧版接口",
    "D": "各品牌的差异",
    "K": "连接",
    "L": "准确的排版",
}
_CLAUSE_HEADS: Final = {
    _ENGLISH: ("clause", "source", "what the vendor does", "on the wire", "permissions", "last observed"),
    _CHINESE: ("条款", "来源", "厂商的行为", "报文", "权限", "最近观察"),
}

_EXACTNESS: Final = {
    "manual": ("exact", "完全一致"),
    "observed": ("as observed", "与实际观察一致"),
    "reading": ("our reading", "我们的解读"),
    "ours": ("our invention", "自行设计"),
    "": ("not attempted", "未实现"),
}
"""English and Chinese words for the provenance of a group; empty for a group without clauses."""
_EXECUTED: Final = {"yes": "是", "no": "否", "never": "从不"}


_PURPOSES: Final = {
    protocol.SEND: ("send a text to one or more numbers", "向一个或多个号码发送短信"),
    protocol.OVERAGE: ("read the balance", "查询余额"),
    protocol.CHECKKEYWORD: ("check a text for forbidden words", "检查内容是否含屏蔽词"),
    protocol.CHANGESPWD: ("change the password", "修改密码"),
    protocol.STATUS: ("fetch delivery reports, each one once", "获取状态报告，每条只能获取一次"),
    protocol.CALL: ("fetch replies from phones, each one once", "获取上行（手机回复），每条只能获取一次"),
}
_PROVENANCES: Final = {
    "manual": ("the manual", "接口文档"),
    "observed": ("observed", "实际观察"),
    "reading": ("our reading", "我们的解读"),
    "ours": ("our invention", "自行设计"),
}


def _build_action_rows(language: str) -> Iterator[tuple[str, ...]]:
    yield ("endpoint", "action", "what it does") if language == _ENGLISH else ("接口地址", "action", "作用")
    for operation in protocol.OPERATIONS:
        form = "`{0.path}`（{1}）" if language else "`{0.path}` ({1})"
        paths = [form.format(endpoint, endpoint.charset.upper()) for endpoint in operation.endpoints]
        yield ("、" if language else ", ").join(paths), f"`{operation.action}`", _PURPOSES[operation][bool(language)]


def _build_operation_rows(language: str) -> Iterator[tuple[str, ...]]:
    yield ("operation", "action", "endpoint") if language == _ENGLISH else ("操作", "action", "接口地址")
    for operation in protocol.OPERATIONS:
        paths = ("、" if language else ", ").join(f"`{endpoint.path}`" for endpoint in operation.endpoints)
        yield f"`{operation.name}`", f"`{operation.action}`", paths


def _build_endpoint_rows(language: str) -> Iterator[tuple[str, ...]]:
    if language == _ENGLISH:
        yield "endpoint", "charset", "credentials", "operations", "from"
    else:
        yield "接口地址", "字符集", "身份参数", "操作", "依据"
    comma = "、" if language else ", "
    for endpoint in protocol.ENDPOINTS:
        yield (
            f"`{endpoint.path}`",
            endpoint.charset,
            comma.join(f"`{name}`" for name in endpoint.authentication.parameters),
            comma.join(f"`{operation.name}`" for operation in endpoint.operations),
            _PROVENANCES[endpoint.provenance][bool(language)],
        )


def _build_reserved_rows(language: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the reserved numbers. The first ones refuse the request, each with the next message of send."""
    refusing = [(f"`{number}`", outcome.refusal) for number, outcome in RESERVED_NUMBERS.items() if outcome.refusal]
    if language == _ENGLISH:
        yield "number", "what happens"
        yield from ((number, f"the whole request is refused with `{message}`") for number, message in refusing)
        yield "`10000000020`, `10000000021`", "reported as failed (20) with `UNDELIV`, with `MK:0011`"
        yield "`10000000022`", "never reported"
        yield "`10000000023`", "reported 30 seconds later than others"
        yield (
            "`10000000030`, `10000000031`",
            "reported as delivered (10), and the phone replies `T`, or `<好> & 😀`",
        )
        yield "any other 11 digits that begin with 1", "reported as delivered (10) with `DELIVRD`"
        yield "anything else", "charged, and reported as failed (20) with `UNDELIV`"
    else:
        yield "号码", "结果"
        yield from ((number, f"整个请求被拒绝，返回信息 `{message}`") for number, message in refusing)
        yield "`10000000020`、`10000000021`", "状态报告为失败（20），errorcode 分别为 `UNDELIV`、`MK:0011`"
        yield "`10000000022`", "不返回状态报告"
        yield "`10000000023`", "状态报告比其他号码晚 30 秒"
        yield "`10000000030`、`10000000031`", "状态报告为送达（10），并产生上行，内容分别为 `T`、`<好> & 😀`"
        yield "其他以 1 开头的 11 位数字", "状态报告为送达（10），`DELIVRD`"
        yield "其他任何内容", "照常扣费，状态报告为失败（20），`UNDELIV`"


def _build_option_rows(language: str) -> Iterator[tuple[str, ...]]:
    yield ("option", "default", "meaning") if language == _ENGLISH else ("选项", "默认值", "含义")
    for spec in OPTIONS.values():
        words = "\\|".join(spec.choices) if spec.choices is not None else spec.metavar
        default = "" if spec.given_default is None or spec.given_default is False else str(spec.given_default)
        english = f"{spec.help} {spec.notes}".rstrip() + " Repeatable." * spec.is_repeatable
        chinese = spec.chinese + "可重复。" * spec.is_repeatable
        yield (
            f"`{spec.flag}{f' {words}' if words else ''}`",
            default.removesuffix(".0"),
            chinese if language else english,
        )


def _build_store_rows(language: str) -> Iterator[tuple[str, ...]]:
    yield ("store", "option", "for") if language == _ENGLISH else ("存储", "选项", "用途")
    index, brackets = (0, " ({})") if language == _ENGLISH else (1, "（{}）")
    for store in STORES:
        installation = brackets.format(f"`pip install '.[{store.extra}]'`") if store.extra else ""
        yield store.name[index], f"`--store {store.address}`{installation}", store.purpose[index]


def _build_fault_rows(language: str) -> Iterator[tuple[str, ...]]:
    if language == _ENGLISH:
        yield "fault", "parameter", "what the client sees", "request executed"
    else:
        yield "故障", "参数", "客户端看到的", "是否处理请求"
    for kind, spec in FAULT_KINDS.items():
        effect, executed = (spec.effect.zh, _EXECUTED[spec.executed]) if language else (spec.effect.en, spec.executed)
        yield f"`{kind}`", _describe_parameter(spec, language), effect, executed


def _describe_parameter(spec: FaultSpec, language: str) -> str:
    if not spec.parameter:
        return ""
    if spec.required:
        return f"`{spec.parameter}`（必填）" if language else f"`{spec.parameter}`, required"
    default = next(field.default for field in fields(Fault) if field.name == spec.parameter)
    return f"`{spec.parameter}`（默认 {default}）" if language else f"`{spec.parameter}`, default {default}"


def _build_changelog_rows(_: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows that list what users can name: a new row of a registry appears here by itself."""
    yield "what", "in this version"
    yield "endpoints", ", ".join(f"`{endpoint.path}`" for endpoint in protocol.ENDPOINTS)
    messages = dict.fromkeys(message for operation in protocol.OPERATIONS for message in operation.all_messages)
    yield "messages", ", ".join(filter(None, messages))
    yield "faults", ", ".join(f"`{kind}`" for kind in FAULT_KINDS)
    yield "options of `serve`", ", ".join(f"`{spec.flag}`" for spec in OPTIONS.values())
    yield "keys of a profile", ", ".join(f"`{name}`" for name in KEYS)
    yield "stores", ", ".join(f"`{store.address}`" for store in STORES)


def _build_exactness_rows(language: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows that say what is exact, what is our reading, and what is not attempted."""
    english = language == _ENGLISH
    yield ("", "", "by" if english else "依据", f"[{'clauses' if english else '条款'}](contract{language}.md)")
    for group in GROUPS:
        clauses = [clause for clause in CLAUSES if clause.group == group.id]
        evidence = (group.evidence if english else group.evidence_zh) or (", " if english else "、").join(
            _link_readings(clauses, language)
        )
        yield (
            _EXACTNESS[clauses[0].provenance if clauses else ""][0 if english else 1],
            group.text if english else group.text_zh,
            evidence.replace("](fixtures/", "](../fixtures/"),
            str(len(clauses) or ""),
        )


def _link_readings(clauses: list[Clause], language: str) -> list[str]:
    """Return Markdown links to the readings that these clauses cite."""
    cited = {int(number) for clause in clauses for number in re.findall(r"\bR(\d+)\b", clause.source)}
    file = f"fixtures/readings{language}.md"
    titles = re.findall(r"^## (R(\d+) .*)$", (_TREE / file).read_text("utf-8"), re.MULTILINE)
    anchors = {int(number): re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title, number in titles}
    return [f"[R{number}]({file}#{anchors[number]})" for number in sorted(cited)]


def _describe_observation(clause: Clause, language: str) -> str:
    """Return when and where a clause was last seen to hold."""
    seen = clause.last_observed
    if language == _ENGLISH:
        return clause.observed
    return "从未" if seen is None else f"{seen.date.isoformat()}，{seen.server_zh}"


def _build_clause_row(clause: Clause, text: str, language: str) -> tuple[str, ...]:
    return (
        clause.id,
        f"{clause.source} ({clause.grade})" if clause.grade else clause.source,
        text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|"),
        f"`{clause.literal.replace('|', '/')}`" if clause.literal else "",
        " ".join(_PERMISSIONS[permission] for permission in clause.permissions),
        _describe_observation(clause, language),
    )


def _build_key_rows(language: str) -> Iterator[tuple[str, ...]]:
    if language == _ENGLISH:
        yield "key", "meaning", "`manual`", "`observed`", "from"
    else:
        yield "键", "含义", "`manual`", "`observed`", "依据"
    for name, spec in KEYS.items():
        values = (format_value(getattr(profile, name)) for profile in (MANUAL, OBSERVED))
        origin = _PROVENANCES[spec.provenance][bool(language)] + (f", {spec.grade}" if spec.grade else "")
        yield (
            f"`{name}`",
            spec.zh if language else spec.en,
            *(f"`{value}`" if value else "" for value in values),
            origin,
        )


def _build_learnable_rows(language: str) -> Iterator[tuple[str, ...]]:
    """List the keys that are learned from the same probes in the same way in one row."""
    if language == _ENGLISH:
        yield "key", "requests", "how the value is read", "permissions"
    else:
        yield "键", "请求", "怎样得出值", "许可"
    rows: dict[tuple[str, str, str], list[str]] = {}
    for learnable in LEARNABLE:
        probes = (
            "；".join(PROBES[name].zh for name in learnable.probes)
            if language
            else "; ".join(PROBES[name].en for name in learnable.probes)
        )
        permissions = " ".join(_PERMISSIONS[permission] for permission in learnable.permissions)
        how = learnable.zh if language else learnable.en
        cells = (probes.replace("<", "&lt;"), how.replace("<", "&lt;"), permissions)
        rows.setdefault(cells, []).append(f"`{learnable.key}`")
    for cells, keys in rows.items():
        yield ("、" if language else ", ").join(keys), *cells


def _build_not_learnable_rows(language: str) -> Iterator[tuple[str, ...]]:
    yield ("key", "reason") if language == _ENGLISH else ("键", "原因")
    reasons: dict[str, list[str]] = {}
    for key, reason in NOT_LEARNABLE.items():
        reasons.setdefault(reason[bool(language)], []).append(f"`{key}`")
    for shown, keys in reasons.items():
        yield ("、" if language else ", ").join(keys), shown


def _build_case_rows(language: str) -> Iterator[tuple[str, ...]]:
    if language == _ENGLISH:
        yield "case", "a correct client", "otherwise", "source"
    else:
        yield "用例", "正确的客户端", "否则", "依据"
    for case in load_cases().values():
        texts = (case.expected_zh, case.loss_zh) if language else (case.expected, case.loss)
        source = ", ".join(filter(None, (case.source, case.grade)))
        yield (f"`{case.id}`", *(text.replace("|", "\\|").replace("<", "&lt;") for text in texts), source)


def _build_cause_rows(language: str) -> Iterator[tuple[str, ...]]:
    yield ("what was observed", "fix") if language == _ENGLISH else ("观察到的情况", "修复")
    for cause in load_causes().values():
        yield (cause.text_zh, cause.fix_zh) if language else (cause.text, cause.fix)


_TABLES: Final[Mapping[str, tuple[str, Callable[[str], Iterator[tuple[str, ...]]]]]] = {
    "registries": ("CHANGELOG", _build_changelog_rows),
    "actions": ("README", _build_action_rows),
    "operations": ("docs/guide", _build_operation_rows),
    "parameters": ("docs/vendor-api", build_parameter_rows),
    "responses": ("docs/vendor-api", build_response_rows),
    "reserved numbers": ("docs/reference", _build_reserved_rows),
    "endpoints": ("docs/reference", _build_endpoint_rows),
    "options of serve": ("docs/reference", _build_option_rows),
    "stores": ("docs/how-to", _build_store_rows),
    "faults": ("docs/reference", _build_fault_rows),
    "keys": ("docs/profiles", _build_key_rows),
    "learnable keys": ("docs/learn", _build_learnable_rows),
    "not learnable keys": ("docs/learn", _build_not_learnable_rows),
    "client-cases": ("docs/examine", _build_case_rows),
    "client-causes": ("docs/examine", _build_cause_rows),
    "what is exact": ("docs/reference", _build_exactness_rows),
}
"""Document and rows of each table, by the comment above it."""
_ENGLISH_ONLY: Final = ("CHANGELOG",)


def _format_rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _render_contract(language: str) -> str:
    """Render the clauses in sections: one for each chapter of the manual, and one for each other provenance."""
    titles = list(dict.fromkeys(clause.section for clause in sorted(CLAUSES, key=_sort_key)))
    if language == _ENGLISH:
        head, meanings, join = _CONTRACT_HEAD, FAMILIES, "; ".join
        texts = {clause.id: clause.text for clause in CLAUSES}
    else:
        head, meanings, join = _CONTRACT_HEAD_ZH, _FAMILIES_ZH, "；".join
        texts = {row.id: row.chinese for row in console_clauses()}
    families = join(f"{letter} {meanings[letter]}" for letter in FAMILIES)
    parts = [head.format(families=families, observed=count_observed(), count=len(CLAUSES))]
    for title in titles:
        rows = [_build_clause_row(clause, texts[clause.id], language) for clause in CLAUSES if clause.section == title]
        columns = _CLAUSE_HEADS[language]
        kind, _, chapter = title.partition(" ")
        shown = f"{_PROVENANCES[kind.lower()][1]} {chapter}".rstrip() if language else title
        parts.append(f"## {shown}\n\n" + _format_rows([columns, ("---",) * len(columns), *rows]))
    return "\n".join(parts)


def _sort_key(clause: Clause) -> tuple[int, str]:
    return list(Provenance).index(clause.provenance), clause.section


def render_files() -> dict[Path, str]:
    """Return the text of each document with its tables, by its path. Raises ValueError if the place is missing."""
    files = {}
    for language in (_ENGLISH, _CHINESE):
        files[_TREE / "docs" / f"contract{language}.md"] = _render_contract(language)
        files[_TREE / "docs" / f"findings{language}.md"] = render_findings(language)
    files[_TREE / "docs" / "driver-protocol.schema.json"] = f"{json.dumps(build_schema(), indent=2)}\n"
    for title, (name, build_rows) in _TABLES.items():
        for language in (_ENGLISH,) if name in _ENGLISH_ONLY else (_ENGLISH, _CHINESE):
            file = _TREE / f"{name}{language}.md"
            heads, *rows = build_rows(language)
            table = _format_rows([heads, ("---",) * len(heads), *rows])
            before, begin, rest = files.get(file, file.read_text("utf-8")).partition(f"<!-- {title} -->\n")
            _, end, after = rest.partition("<!-- end -->\n")
            if not end:
                raise ValueError(f"{file.name} has no lines <!-- {title} --> and <!-- end -->")
            files[file] = before + begin + table + end + after
    return files


if __name__ == "__main__":
    for _file, _text in render_files().items():
        _file.write_text(_text, "utf-8")
