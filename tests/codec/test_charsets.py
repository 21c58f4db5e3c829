"""All user-defined codes of code page 936 (R14)."""

import pytest

from sms10692_mock.codec.charsets import DECODERS

decode = DECODERS["gb2312"]


def codes(leads: range, trails: list[int]) -> list[bytes]:
    return [bytes((lead, trail)) for lead in leads for trail in trails]


USER_DEFINED = [
    *codes(range(0xAA, 0xB0), list(range(0xA1, 0xFF))),
    *codes(range(0xF8, 0xFF), list(range(0xA1, 0xFF))),
    *codes(range(0xA1, 0xA8), [trail for trail in range(0x40, 0xA1) if trail != 0x7F]),
]
"""In the order of their code points: AAA1 to AFFE, F8A1 to FEFE, A140 to A7A0."""


def test_r14_user_defined_codes_map_to_consecutive_private_use_code_points() -> None:
    assert [decode(code) for code in USER_DEFINED] == [chr(code_point) for code_point in range(0xE000, 0xE766)]


@pytest.mark.parametrize(
    "code",
    [
        b"\xaa\x7f",
        b"\xaa\xff",
        b"\xa1\x7f",
        b"\xa7\xff",
        b"\xfe\xff",
        b"\xff\xa1",
        b"\xaa",
        b"\xa8\x96",
        b"\xfe\xa0",
        b"\xa1?",
    ],
)
def test_r14_a_code_outside_the_user_defined_ranges_is_invalid(code: bytes) -> None:
    assert decode(code).startswith("\ufffd")


@pytest.mark.parametrize("code", USER_DEFINED[::97], ids=bytes.hex)
def test_r14_a_user_defined_code_consumes_two_bytes(code: bytes) -> None:
    assert decode(b"a" + code + b"b" + code) == f"a{decode(code)}b{decode(code)}"


def test_r14_0x80_is_the_euro_sign_and_consumes_one_byte() -> None:
    assert decode(b"\x80a\x80\x80") == "€a€€"
