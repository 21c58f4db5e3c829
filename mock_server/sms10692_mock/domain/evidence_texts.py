"""The registry of evidence: the texts of each code, those of the vendor and those of the keys of profiles."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from sms10692_mock.domain.evidence import VENDOR_EVIDENCE, EvidenceText, VendorCode
from sms10692_mock.domain.profiles import KEYS, BrandCode

EvidenceCode: TypeAlias = Literal[VendorCode, BrandCode]
"""One code for each way in which a request is refused."""

_BRAND_EVIDENCE: Final = {
    code: replace(text, keys=(name,)) for name, spec in KEYS.items() for code, text in spec.refusals.items()
}

EVIDENCE: Final[Mapping[str, EvidenceText]] = dict(sorted({**VENDOR_EVIDENCE, **_BRAND_EVIDENCE}.items()))
"""The texts of each code. The documents show the sentences and the examples, and a test explains each example."""
