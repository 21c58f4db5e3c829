"""What a key of a profile is: its description, and what it changes."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sms10692.protocol import Provenance
from sms10692_mock.domain.evidence import Evidence, EvidenceText

if TYPE_CHECKING:  # api_request imports records, which may contain profiles
    from sms10692_mock.domain.api_request import ApiRequest
    from sms10692_mock.domain.profiles import Profile

BrandCheck: TypeAlias = "Callable[[ApiRequest, Profile], Evidence | None]"
"""The check of a send that a key adds: it returns None for a correct send, otherwise the evidence of what is wrong. It
is called after all other checks, and only in profiles in which a key with this check has another value than the
manual's.
"""

Rewrite: TypeAlias = Callable[[str, Any], str]
"""What a key changes in the XML of a response: a function from the document and the value to the brand's document.

It is called only where the value is not the manual's, after those of the keys above it. The values of elements have no
`<` and no `>`, except for CDATA.
"""

_NO_REFUSALS: Final[Mapping[str, EvidenceText]] = {}


@dataclass(frozen=True, slots=True)
class KeySpec:
    """How a key of a profile is described: in English and Chinese, and by its origin.

    `provenance` is that of the values other than the manual's. The `grade` of their sources is S for three or more, M
    for two, W for one: that of the value with the fewest. `bounds` are those of a number in a file. A send that fails
    `check` is refused with 其他错误; `refusals` are the texts of the evidence that it returns, by code.
    """

    en: str
    zh: str
    provenance: Provenance
    grade: str = ""
    bounds: tuple[float, float] | None = None
    check: "BrandCheck | None" = None
    refusals: Mapping[str, EvidenceText] = field(default_factory=dict)
    rewrite: Rewrite | None = None


def key(
    default: Any,
    en: str,
    zh: str,
    provenance: Provenance,
    grade: str = "",
    bounds: tuple[float, float] | None = None,
    *,
    check: "BrandCheck | None" = None,
    refusals: Mapping[str, EvidenceText] = _NO_REFUSALS,
    rewrite: Rewrite | None = None,
) -> Any:
    """Return a dataclass field that is a key, with a copy of `default`. The other arguments are those of `KeySpec`."""
    spec = KeySpec(en, zh, provenance, grade, bounds, check, refusals, rewrite)
    return field(default_factory=lambda: copy(default), metadata={"key": spec})
