"""Generator of `docs/findings.md` and its Chinese twin: every finding code with an example and how to do it right."""

import html
from itertools import groupby
from typing import Final

from sms10692_mock.diagnosis.registry import FindingSpec, load_registry, load_remedies

_KINDS: Final = {
    "refusal": ("Refusals", "拒绝原因"),
    "signature": ("Signature", "sign 参数"),
    "password": ("Account and password in clear", "明文账号和密码"),
    "text": ("Text and numbers", "文字与号码"),
    "habit": ("Advice for accepted requests", "使用建议"),
    "http": ("Requests that did not reach the vendor", "没有到达厂商的请求"),
}

_HEAD: Final = {
    "": """# Findings

[中文](findings.zh-CN.md) · Generated from the registry of finding codes; do not edit. A finding says what is wrong
with a request and what to do. It is in the log, in the header `X-Mock-Hint`, in the control API (`diagnosis`) and in
the console. `{}` stands for a received value. The header is ASCII: another character is written as in
Python, `\\u5185` or `\\U0001f600`.

The examples can be given to `sms10692-mock explain`; `⏎` is a line end. Most are for the account `test` with the
password `mima`, the others for those of `EXAMPLE_ACCOUNTS` in `diagnosis/registry.py`, all for the time of the manual's
example. A code without an example depends on the connection, or on the state of the emulator.
""",
    ".zh-CN": """# 诊断

[English](findings.md) · 由诊断代码的登记表生成，请勿编辑。诊断说明请求哪里不对、应该怎么做，
出现在日志、响应头 `X-Mock-Hint`、管理接口（`diagnosis`）和控制台里。`{}` 表示收到的值。
响应头是 ASCII：其他字符写成 Python 的形式，`\\u5185` 或 `\\U0001f600`。

示例可以交给 `sms10692-mock explain`；`⏎` 表示换行。多数示例的账号是 `test`，密码是 `mima`，其余的见
`diagnosis/registry.py` 的 `EXAMPLE_ACCOUNTS`；时间都是接口文档示例的时间。没有示例的代码取决于连接或
模拟服务器的状态。
""",
}
_COLUMNS: Final = {
    "": ("code", "meaning, and what to do", "example"),
    ".zh-CN": ("代码", "含义和做法", "示例"),
}
_REMEDIES_TITLE: Final = {"": "How to do it right", ".zh-CN": "正确的做法"}


def render_findings(language: str) -> str:
    """Render the page; `language` is the suffix of its file, empty or ".zh-CN"."""
    is_chinese = bool(language)
    parts = [_HEAD[language]]
    for kind, specs in groupby(load_registry().values(), lambda spec: spec.code.partition(".")[0]):
        rows = [_COLUMNS[language], ("---",) * 3, *(_build_row(spec, is_chinese=is_chinese) for spec in specs)]
        table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
        parts.append(f"## {_KINDS[kind][is_chinese]}\n\n{table}")
    parts.append(f"## {_REMEDIES_TITLE[language]}\n")
    for name, remedy in load_remedies().items():
        title = remedy["zh" if is_chinese else "en"]
        blocks = [
            f"{program}:\n\n<pre>\n{html.escape(code.strip(), quote=False)}\n</pre>\n"
            for program, code in remedy.items()
            if program not in ("en", "zh")
        ]
        parts.append(f"### {name}\n\n{title}.\n\n" + "\n".join(blocks))
    return "\n".join(parts)


def _build_row(spec: FindingSpec, *, is_chinese: bool) -> tuple[str, str, str]:
    sentence = _escape(spec.zh if is_chinese else spec.en)
    if spec.remedy:
        sentence += f" [{'示例代码' if is_chinese else 'code'}](#{spec.remedy})"
    example = spec.example.replace("\r\n", "\n").replace("\n", " ⏎ ").replace("|", "\\|")
    return f"`{spec.code}`", sentence, f"`{example}`" if example else ""


def _escape(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")
