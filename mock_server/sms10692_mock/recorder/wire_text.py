"""Text inside the bytes of a form: masked in place, so that every byte keeps its place and the way it was written.

A value is percent-encoded (`%E5`, `%e5`), encoded as `%u5bb9`, raw, or all of them in turn; it is decoded as
`codec.percent` does. Bytes that are no text in the charset of the endpoint are read in the other one, and otherwise
masked one by one.
"""

import codecs
import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

TextMask: TypeAlias = Callable[[str], str]
"""A function that masks a text, character by character with as many bytes."""

_UNIT: Final = re.compile(rb"%u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|.", re.DOTALL)
_CODE_UNIT_LENGTH: Final = 6
_ESCAPE_LENGTH: Final = 3
CODECS: Final = {"utf-8": "utf-8", "gb2312": "gbk"}
"""Python's codec by the charset of an endpoint."""


class _Run(NamedTuple):
    """Units that are decoded together. `codec` is empty for `%uXXXX`."""

    units: list[bytes]
    codec: str
    text: str


def read_bytes(raw: bytes, charset: str) -> tuple[str, str]:
    """Decode bytes, and return the codec with which that succeeded. What is no text becomes surrogates (PEP 383)."""
    codecs_in_order = sorted(CODECS.values(), key=lambda codec: codec != CODECS[charset])
    for may_be_cut in (False, True):
        for codec in codecs_in_order:
            decoder = codecs.getincrementaldecoder(codec)()
            try:
                text = decoder.decode(raw, final=not may_be_cut)
            except UnicodeDecodeError:
                continue
            text += decoder.getstate()[0].decode("ascii", "surrogateescape")
            if _encode(text, codec) == raw:
                return text, codec
    return raw.decode("ascii", "surrogateescape"), "ascii"


def mask_bytes(raw: bytes, charset: str, mask: TextMask) -> bytes:
    r"""Mask bytes that are not percent-encoded.

    >>> mask_bytes(b"ab" + bytes((0xC4, 0xDA)), "gb2312", str.swapcase)
    b'AB\xc4\xda'
    """
    text, codec = read_bytes(raw, charset)
    return _encode(mask(text), codec)


def mask_component(raw: bytes, charset: str, mask: TextMask) -> bytes:
    r"""Mask the name or value of a pair of a form.

    >>> mask_component(b"a%62+%E5%86%85%u5bb9", "utf-8", lambda text: text.replace("a", "x").replace("容", "内"))
    b'x%62+%E5%86%85%u5185'
    """
    runs = _split_runs(raw, charset)
    text = "".join(run.text for run in runs)
    masked = mask(text)
    if len(masked) != len(text):
        raise ValueError("a mask has another length than its value")
    pieces, position = [], 0
    for run in runs:
        pieces.append(_write_run(run, masked[position : position + len(run.text)]))
        position += len(run.text)
    return b"".join(pieces)


def read_component(raw: bytes, charset: str) -> str:
    """Return the text of a name or value."""
    return "".join(run.text for run in _split_runs(raw, charset))


def _split_runs(raw: bytes, charset: str) -> list[_Run]:
    runs: list[_Run] = []
    pending: list[bytes] = []
    for unit in (*_UNIT.findall(raw), None):
        is_other_kind = bool(pending) and (
            unit is None or (len(unit) == _CODE_UNIT_LENGTH) != (len(pending[0]) == _CODE_UNIT_LENGTH)
        )
        if is_other_kind:
            runs.append(_read_run(pending, charset))
            pending = []
        if unit is not None:
            pending.append(unit)
    return runs


def _read_run(units: list[bytes], charset: str) -> _Run:
    if len(units[0]) == _CODE_UNIT_LENGTH:
        text = b"".join(bytes.fromhex(unit[2:].decode()) for unit in units).decode("utf-16-be", "surrogatepass")
        return _Run(units, "", text)
    text, codec = read_bytes(bytes(map(_read_unit, units)), charset)
    return _Run(units, codec, text)


def _read_unit(unit: bytes) -> int:
    if len(unit) == _ESCAPE_LENGTH:
        return int(unit[1:], 16)
    return 0x20 if unit == b"+" else unit[0]


def _write_run(run: _Run, masked: str) -> bytes:
    if masked == run.text:
        return b"".join(run.units)
    if not run.codec:
        encoded = masked.encode("utf-16-be", "surrogatepass")
        codes = [int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2)]
        return b"".join(_write_hex(unit, code, 4) for unit, code in zip(run.units, codes, strict=True))
    return b"".join(_write_unit(unit, byte) for unit, byte in zip(run.units, _encode(masked, run.codec), strict=True))


def _write_unit(unit: bytes, byte: int) -> bytes:
    if _read_unit(unit) == byte:
        return unit
    return _write_hex(unit, byte, 2) if len(unit) == _ESCAPE_LENGTH else bytes((byte,))


def _write_hex(unit: bytes, code: int, digits: int) -> bytes:
    """Write a number as an escape like `unit`, in the case of its digits."""
    prefix, hexadecimal = unit[:-digits], unit[-digits:].decode()
    written = f"{code:0{digits}x}"
    return prefix + (written if hexadecimal != hexadecimal.upper() else written.upper()).encode()


def _encode(text: str, codec: str) -> bytes:
    return text.encode(codec, "surrogateescape")
