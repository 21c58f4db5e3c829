"""Table of digest formats: the correct one (32 lower-case hex digits of MD5) and the wrong ones that clients send.

The texts that may have been hashed are in `signed_text_candidates`.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

Algorithm: TypeAlias = Callable[..., "hashlib._Hash"]

_MD5: Final = hashlib.md5
_HEX32: Final = re.compile(r"[0-9A-Fa-f]{32}")


class DigestFormat(NamedTuple):
    """One format of a digest.

    A signature that matches `pattern` has this format if `normalize(signature)` equals `encode(digest)`. A
    `conclusive` format is reported when the pattern matches; any other only when the digest matches too. `code` is
    empty for the correct format.
    """

    code: str
    algorithm: Algorithm
    pattern: re.Pattern[str]
    normalize: Callable[[str], str]
    encode: Callable[[bytes], str]
    conclusive: bool = True

    @property
    def values(self) -> tuple[str, ...]:
        """The values of the finding: the name of the algorithm, if it is the wrong one."""
        return () if self.algorithm is _MD5 else (self.algorithm(usedforsecurity=False).name.upper(),)


def _unpadded(digest: bytes) -> str:
    return "".join(f"{byte:x}" for byte in digest)


def _sign_extended(digest: bytes) -> str:
    return "".join(f"{byte if byte < 0x80 else byte | 0xFFFFFF00:x}" for byte in digest)


def _sign_extended_and_padded(digest: bytes) -> str:
    return "".join(f"{byte:02x}" if byte < 0x80 else f"ffffff{byte:02x}" for byte in digest)


def _without_leading_zeros(digest: bytes) -> str:
    return digest.hex().lstrip("0")


def _as_signed_number(digest: bytes) -> str:
    return f"{int.from_bytes(digest, signed=True):x}"


def _as_decimal(digest: bytes) -> str:
    return str(int.from_bytes(digest))


def _from_base64(text: str) -> bytes:
    # An unescaped plus sign arrives as a space.
    letters = text.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(letters + "=" * (-len(letters) % 4))


def _hex_of_base64(text: str) -> str:
    return _from_base64(text).hex()


def _text_of_base64(text: str) -> str:
    return _from_base64(text).decode("latin-1").lower()


def _digits_only(text: str) -> str:
    return re.sub(r"[^0-9a-f]", "", text.lower())


def _first_32(text: str) -> str:
    found = _HEX32.search(text)
    return found[0].lower() if found else ""


def _look(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII | re.DOTALL)


_PAIRS: Final = _look(r"(?:[0-9A-Fa-f]{2}[-: ]){15}[0-9A-Fa-f]{2}")
_WRAPPED: Final = _look(r"""(?=.*[^0-9A-Fa-f])\W*(?:(?:b'|0x|(?:md5|MD5)\W)\W*)?[0-9A-Fa-f]{32}\W*""")
_FEWER: Final = _look(r"[0-9A-Fa-f]{17,31}")
_MANY_FS: Final = _look(r"(?=.*[Ff]{6})[0-9A-Fa-f]{33,128}")


def _digits(count: int) -> re.Pattern[str]:
    return _look(rf"[0-9A-Fa-f]{{{count}}}")


def _base64(count: int) -> re.Pattern[str]:
    return _look(rf"[A-Za-z0-9+/_ -]{{{count}}}={{0,2}}")


DIGEST_FORMATS: Final = (
    DigestFormat("", _MD5, _look(r"[0-9a-f]{32}"), str, bytes.hex),
    DigestFormat("signature.upper-case", _MD5, _look(r"(?=.*[A-F])[0-9A-Fa-f]{32}"), str.lower, bytes.hex),
    DigestFormat("signature.hyphens", _MD5, _PAIRS, _digits_only, bytes.hex),
    DigestFormat("signature.repeated", _MD5, _look(r"([0-9a-f]{32})(?:,\1)+"), _first_32, bytes.hex),
    DigestFormat("signature.wrapped", _MD5, _WRAPPED, _first_32, bytes.hex),
    DigestFormat("signature.sixteen-digits", _MD5, _digits(16), str.lower, lambda digest: digest.hex()[8:24]),
    DigestFormat("signature.sixteen-digits", _MD5, _digits(16), str.lower, lambda digest: digest.hex()[:16]),
    DigestFormat("signature.sixteen-digits", _MD5, _digits(16), str.lower, lambda digest: digest.hex()[16:]),
    DigestFormat("signature.base64", _MD5, _base64(22), _hex_of_base64, bytes.hex),
    DigestFormat("signature.base64", _MD5, _base64(43), _text_of_base64, bytes.hex, conclusive=False),
    DigestFormat("signature.another-hash", hashlib.sha1, _digits(40), str.lower, bytes.hex),
    DigestFormat("signature.another-hash", hashlib.sha1, _base64(27), _hex_of_base64, bytes.hex, conclusive=False),
    DigestFormat("signature.another-hash", hashlib.sha224, _digits(56), str.lower, bytes.hex),
    DigestFormat("signature.another-hash", hashlib.sha256, _digits(64), str.lower, bytes.hex),
    DigestFormat("signature.another-hash", hashlib.sha256, _base64(43), _hex_of_base64, bytes.hex, conclusive=False),
    DigestFormat("signature.another-hash", hashlib.sha384, _digits(96), str.lower, bytes.hex),
    DigestFormat("signature.another-hash", hashlib.sha512, _digits(128), str.lower, bytes.hex),
    DigestFormat("signature.zeros-lost", _MD5, _FEWER, str.lower, _unpadded, conclusive=False),
    DigestFormat("signature.zeros-lost", _MD5, _FEWER, str.lower, _without_leading_zeros, conclusive=False),
    DigestFormat("signature.signed-bytes", _MD5, _MANY_FS, str.lower, _sign_extended, conclusive=False),
    DigestFormat("signature.signed-bytes", _MD5, _MANY_FS, str.lower, _sign_extended_and_padded, conclusive=False),
    DigestFormat(
        "signature.as-number", _MD5, _look(r"-[0-9A-Fa-f]{20,32}"), str.lower, _as_signed_number, conclusive=False
    ),
    DigestFormat("signature.as-number", _MD5, _look(r"[0-9]{34,39}"), str, _as_decimal, conclusive=False),
)


def matching_formats(sign: str) -> tuple[DigestFormat, ...]:
    """Return the formats whose pattern matches the signature.

    >>> [format_.code for format_ in matching_formats("5CC68982F55AC74348E3D819F868FBE1")]
    ['signature.upper-case']
    """
    return tuple(format_ for format_ in DIGEST_FORMATS if format_.pattern.fullmatch(sign))
