"""Refusals that only some profiles have (R22): each has its evidence, and the text of the profile."""

import pytest

from sms10692_mock.diagnosis.service import diagnose_logged
from support.emulators import WsgiHarness


@pytest.mark.parametrize(
    ("key", "content", "code"),
    [
        ('text_signature = "anywhere"', "x", "text-signature-anywhere"),
        ('text_signature = "front"', "x【店】", "text-signature-front"),
        ('text_signature = "end"', "【店】x", "text-signature-end"),
        ("max_numbers = 1", "【店】", "too-many-numbers"),
        ("signature_min = 2", "【店】x", "text-signature-length"),
        ("signature_max = 2", "x【一二三】", "text-signature-length"),
        ('signature_max = 2\ntext_signature = "end"', "【店】x【一二三】", "text-signature-length"),
        ("signature_of_digits = false", "【10692】", "text-signature-digits"),
    ],
)
def test_a_refusal_of_the_profile_has_evidence(key: str, content: str, code: str) -> None:
    emulator = WsgiHarness(profile=f"{key}\ntexts.{code} = '非法'")
    for mobile in ("15023239810,15023239811", "15023239810"):
        is_refused = "," in mobile or code != "too-many-numbers"
        assert ("<message>非法</message>" in emulator.send(mobile=mobile, content=content)) == is_refused
    entry = emulator.store.request(1)
    assert entry is not None
    assert entry.refusal == "非法"
    assert entry.evidence is not None
    assert entry.evidence.code == code
    assert [finding.code for finding in diagnose_logged(entry, emulator.store)][:1] == [f"refusal.{code}"]
    assert "<message>其他错误</message>" in emulator.send(extno="x", content=content)
