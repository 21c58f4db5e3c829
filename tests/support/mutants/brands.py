"""Vendors that do not do what their profile says: the control API tells one, and another is served (R22)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints

from sms10692 import protocol
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.profiles import KEYS, MANUAL, Profile
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant


class Ignored(NamedTuple):
    """A key that a vendor ignores: its value, what the vendor does instead, and other keys that it needs."""

    key: str
    value: Any
    instead: tuple[Any, ...] = ()
    needs: Mapping[str, Any] = {}

    @property
    def profile(self) -> Profile:
        """The profile that the control API tells."""
        return replace(MANUAL, name="brand", **self.needs, **{self.key: self.value})


_TEXTS: Final = {
    "credentials-wrong": "sign参数错误",
    "extno-not-digits": "扩展子号只能是数字",
    "forbidden-word": "包含屏蔽词：{word}",
}

_BY_HAND: Final = (
    Ignored("keyword_clean", "未包含非法字符"),
    Ignored("keyword_found", "包含屏蔽字符"),
    Ignored("receivetime", "dashes", ("slashes",)),
    Ignored("receivetime", "slashes"),
    Ignored("delivered", "status-DELIVRD", ("errorcode-10",)),
    Ignored("delivered", "errorcode-10"),
    Ignored("empty_queue", "nothing", ("error5",)),
    Ignored("empty_queue", "error5"),
    Ignored("extno_max_digits", 5, (4, 6)),
    Ignored("extno_max_digits", 12),
    Ignored("send_time_formats", ("yyyyMMddHHmmss",), (("yyyyMMddHHmmss", "yyyy-MM-dd HH:mm:ss"),)),
    Ignored("send_time_formats", ("yyyy-MM-dd HH:mm:ss", "0"), (("yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd"),)),
    Ignored("text_signature", "anywhere", ("front", "end")),
    Ignored("text_signature", "front", ("anywhere",)),
    Ignored("text_signature", "end", ("anywhere",)),
    Ignored("text_signature_min", 3, (2, 4)),
    Ignored("text_signature_max", 8, (7, 9)),
    Ignored("max_clock_skew", 300.0, (3600.0,)),
    Ignored("requests_per_second", 5, (4, 6)),
    Ignored("requests_per_minute", 30, (29, 31)),
    Ignored("lock_out_seconds", 500.0, (300.0,), {"lock_out_after": 3}),
    Ignored("verification_codes_per_day", 10, (9, 11)),
    Ignored("texts", _TEXTS, tuple({code: _TEXTS[code] for code in _TEXTS if code != left} for left in _TEXTS)),
)
"""Keys whose values no rule gives."""


def _derive_ignored(name: str) -> list[Ignored]:
    """Return what can be ignored of a key, by its type: each other value of a list of values, and a small limit."""
    kind, default = get_type_hints(Profile)[name], getattr(MANUAL, name)
    if kind is bool:
        return [Ignored(name, not default)]
    if get_origin(kind) is Literal:
        return [Ignored(name, value) for value in get_args(kind) if value != default]
    if kind == int | None:
        return [Ignored(name, _LIMIT, (_LIMIT - 1, _LIMIT + 1))]
    raise ValueError(f"{name}: no value is known that a vendor could ignore; add a row to _BY_HAND")


_LIMIT: Final = 3
_NAMED: Final = {ignored.key for ignored in _BY_HAND}

IGNORED: Final = (
    *_BY_HAND,
    *(ignored for name in KEYS if name not in _NAMED for ignored in _derive_ignored(name)),
)
"""Every key of a profile, once or more. Each vendor does what the manual's profile has instead, or something else."""


def _build_mutants(ignored: Ignored) -> list[Mutant]:
    told, default = ignored.profile, getattr(MANUAL, ignored.key)
    return [
        Mutant(
            f"profile: {ignored.key} {ignored.value!r} is {instead!r}",
            Defect(profile=told, served_profile=replace(told, **{ignored.key: instead})),
            (f"D-{ignored.key.replace('_', '-')}",),
        )
        for instead in (default, *ignored.instead)
    ]


def _answering_nobody_as_in_the_manual() -> Defect:
    told = replace(MANUAL, name="brand", texts={"credentials-empty": "缺少参数"})

    def change(text: str, request: ApiRequest) -> str:
        return text if request.userid else text.replace("缺少参数", protocol.CREDENTIALS_EMPTY)

    return Defect(profile=told, text=change)


def _changing_more(**more: Any) -> Defect:
    """A vendor whose profile has an effect that no key states."""
    told = replace(MANUAL, name="brand", cdata=True)
    return Defect(profile=told, served_profile=replace(told, **more))


BRANDS: Final = (
    *(mutant for ignored in IGNORED for mutant in _build_mutants(ignored)),
    Mutant(
        "profile: requests of nobody are answered as in the manual", _answering_nobody_as_in_the_manual(), ("D-nobody",)
    ),
    Mutant("profile: CDATA changes line ends too", _changing_more(line_end="crlf"), ("D-documents", "D-line-end")),
    Mutant("profile: CDATA changes times too", _changing_more(receivetime="dashes"), ("D-documents", "D-receivetime")),
    Mutant("profile: CDATA changes prices too", _changing_more(billing="recipient"), ("D-billing",)),
    Mutant(
        "the manual's profile has another line end",
        Defect(served_profile=replace(MANUAL, line_end="crlf")),
        ("D-line-end", "D-documents", "A1-lines"),
    ),
    Mutant(
        "the manual's profile has changespwd at the signed endpoints",
        Defect(served_profile=replace(MANUAL, signed_changespwd=True)),
        ("D-signed-changespwd",),
    ),
)
