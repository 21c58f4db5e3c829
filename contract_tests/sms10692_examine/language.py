"""The words of reports in English and Chinese."""

from collections.abc import Mapping, Sequence
from typing import Final

from sms10692_examine.case_table import GROUPS, CaseText, load_causes
from sms10692_examine.observations import Language
from sms10692_examine.verdicts import State, Verdict, count_states

STATE_WORDS: Final[Mapping[State, tuple[str, str]]] = {
    State.PASSED: ("passed", "通过"),
    State.FAILED: ("failed", "失败"),
    State.WARNING: ("warning", "警告"),
    State.NOT_SUPPORTED: ("not supported", "不支持"),
    State.NOT_JUDGED: ("not judged", "未判定"),
}

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("Conformance of a client", "客户端一致性检查"),
    "expected": ("expected", "预期"),
    "observed": ("observed", "实际"),
    "loss": ("cost", "后果"),
    "fix": ("fix", "修复"),
    "source": ("source", "依据"),
    "repeat": ("repeat", "重现"),
    "stderr": ("standard error of the driver", "驱动程序的标准错误输出"),
    "known": ("known", "已知"),
    "case": ("case", "用例"),
    "credentials": ("credentials: the vendor accepts the requests", "账号：厂商接受请求的账号和签名"),
    "start": ("driver started in", "驱动程序启动用时"),
}


def choose(pair: tuple[str, str], language: Language) -> str:
    """Return the text of a pair in a language."""
    return pair[language == "zh"]


def expected_of(case: CaseText, language: Language) -> str:
    return choose((case.expected, case.expected_zh), language)


def loss_of(case: CaseText, language: Language) -> str:
    return choose((case.loss, case.loss_zh), language)


def fix_of(verdict: Verdict, language: Language) -> str:
    """Return how to mend what was observed: by its cause, or else by the case."""
    row = load_causes()[verdict.cause] if verdict.cause else verdict.case
    return choose((row.fix, row.fix_zh), language)


def observed_of(verdict: Verdict, language: Language) -> str:
    return choose((verdict.observed, verdict.observed_zh), language)


def group_of(case: CaseText, language: Language) -> str:
    return choose(GROUPS[case.group], language)


def format_counts(verdicts: Sequence[Verdict], language: Language) -> str:
    """Return how many verdicts each state has, and how many of the failures are known."""
    known = sum(verdict.state is State.FAILED and not verdict.is_new_failure for verdict in verdicts)
    counts = []
    for state, count in count_states(verdicts).items():
        if count:
            note = f" ({known} {choose(WORDS['known'], language)})" if known and state is State.FAILED else ""
            counts.append(f"{count} {choose(STATE_WORDS[state], language)}{note}")
    return ", ".join(counts)
