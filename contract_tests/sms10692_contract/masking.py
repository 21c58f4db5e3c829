"""Masking of what a report must not contain: signatures, passwords, and numbers and texts of real people.

A signature does not cover the action, so a reader of a report could send messages with one. **Every request
and text of a report passes this module.**
"""

import re
import shlex
from base64 import b64decode, b64encode
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from html import unescape
from html.entities import html5
from typing import Final, NamedTuple

PASSWORD_VARIABLE: Final = "SMS10692_PASSWORD"
"""Environment variable with the password, in the commands that compute a signature or send the password."""

WITHHELD: Final = "SIGNATURE_NOT_SHOWN"
"""Stands for a signature that was changed on purpose."""

PASSWORD_WITHHELD: Final = "PASSWORD_NOT_SHOWN"
"""Stands for a password that was changed on purpose, and for the password in a text of the server."""

PASSWORD_NAMES: Final = frozenset(("password", "newpwd", "renewpwd"))
"""Parameters with a password in clear."""

_MAX_REMEMBERED: Final = 100_000
_MIN_DERIVED: Final = 8
"""Number of equal characters from which a wrong signature counts as derived from a correct one."""


class SignedText(NamedTuple):
    """What a signature was computed from, without the password."""

    account: str
    timestamp: str


class SignatureRegister:
    """The signatures that this process has computed, and the passwords that it has sent.

    The methods may be called from several threads.
    """

    def __init__(self) -> None:
        self._texts: dict[str, SignedText] = {}
        self._computed: set[str] = set()
        self._passwords: set[str] = set()
        self._real_passwords: set[str] = set()

    def protect_password(self, password: str) -> None:
        """Remember the password of a user's account: no text of a server is shown with it."""
        self._real_passwords.add(password)

    def hide_real_passwords(self, text: str) -> str:
        """Replace the passwords of users in a text of the server."""
        for password in sorted(self._real_passwords, key=lambda each: (-len(each), each)):
            text = hide_password(text, password)
        return text

    def remember_password(self, password: str) -> None:
        """Remember a password that is sent in clear to its own account."""
        self._passwords.add(password)

    def is_password(self, value: str) -> bool:
        """Return whether this is a password that was sent to its own account."""
        return value in self._passwords

    def note(self, signature: str) -> None:
        """Note that a text was signed, correct or not: no text of a report shows the signature."""
        if len(self._computed) >= _MAX_REMEMBERED:
            self._computed.clear()
        self._computed.add(signature)

    def remember(self, signature: str, account: str, timestamp: str) -> None:
        """Remember a correct signature; forget all when they become too many."""
        if len(self._texts) >= _MAX_REMEMBERED:
            self._texts.clear()
        self._texts[signature] = SignedText(account, timestamp)

    def build_command(self, value: str) -> str | None:
        """Return a shell command that prints this value of `sign`; None if it is not derived from a signature."""
        text, change = self._texts.get(value), ""
        if text is None:
            for signature, candidate in self._texts.items():
                if value == signature.upper():
                    text, change = candidate, " | tr a-f A-F"
                elif len(value) >= _MIN_DERIVED and signature.startswith(value):
                    text, change = candidate, f" | cut -c-{len(value)}"
        if text is None:
            return None
        account, timestamp = shlex.quote(text.account), shlex.quote(text.timestamp)
        return f'printf %s {account} "${PASSWORD_VARIABLE}" {timestamp} | md5sum | cut -c-32{change}'

    def is_correct(self, value: str) -> bool:
        """Return whether this is a signature that was computed here, in any case."""
        return value.lower() in self._texts or value.lower() in self._computed


SIGNATURES: Final = SignatureRegister()
"""The only instance: a report may show requests of every account of the process."""


def build_replacement(name: str, values: Iterable[str]) -> str | None:
    """Return what stands in a single-quoted word of a curl line for a parameter that may have one of these values.

    None if the value may be shown: a blank one, an invalid signature, any other parameter. A correct signature is
    replaced by the command that computes it, the password by its variable. Wrong ones are withheld, because they may
    differ from the correct one in one character only.
    """
    name, given = name.strip().lower(), [value for value in values if value.strip()]
    if name in PASSWORD_NAMES and given:
        is_own = any(map(SIGNATURES.is_password, given))
        return f"""'"${PASSWORD_VARIABLE}"'""" if is_own else PASSWORD_WITHHELD
    given = [value for value in given if value.strip("0 \t\r\n\u3000")]
    if name == "sign" and given:
        command = next(filter(None, map(SIGNATURES.build_command, given)), None)
        return WITHHELD if command is None else f"""'"$({command})"'"""
    return None


_CHARSETS: Final = ("utf-8", "gbk")


def _encode(text: str) -> list[bytes]:
    """Return the bytes of a text in each charset in which it can be encoded."""
    encoded = []
    for charset in _CHARSETS:
        with suppress(UnicodeEncodeError):
            encoded.append(text.encode(charset))
    return encoded


_MIN_HIDDEN: Final = 4
"""Number of characters from which a password in a text is replaced; a text with a shorter one is not shown at all."""

TEXT_WITHHELD: Final = "TEXT_NOT_SHOWN"
"""Stands for a text of the server that contains a password in a way that leaves no part of it to show."""

_PERCENT: Final = r"(?:%|\\u0025|\\x25|&#0{0,8}37;|&#x0{0,8}25;|&percnt;)(?:25){0,8}"
"""A percent sign, also one that was encoded again, any number of times."""

_AMPERSAND: Final = r"(?:&|\\{1,8}u0026|\\{1,8}x26|%(?:25){0,8}26)(?:amp;|#0{0,8}38;|#x0{0,8}26;){0,8}"
"""An ampersand, also one that was escaped again."""

_ENTITY_NAMES: Final[dict[str, list[str]]] = {}
for _name, _character in html5.items():
    if _name.endswith(";"):
        _ENTITY_NAMES.setdefault(_character, []).append(_name)


def hide_password(text: str, password: str) -> str:
    """Replace a password in a text of the server, however it is encoded there.

    A text that contains a password of fewer than four characters is withheld as a whole, and one that still contains
    the password when it is decoded.

    >>> hide_password("mi&#109;a, %256Dima, bWltYQ==", "mima")
    'PASSWORD_NOT_SHOWN, PASSWORD_NOT_SHOWN, PASSWORD_NOT_SHOWN'
    """
    if not password:
        return text
    pattern = build_value_pattern(password)
    if len(password) < _MIN_HIDDEN:
        return TEXT_WITHHELD if pattern.search(text) or _contains_decoded(text, password) else text
    pieces = text.split(PASSWORD_WITHHELD)
    hidden = [pattern.sub(PASSWORD_WITHHELD, piece) for piece in pieces]
    if any(_contains_decoded(rest, password) for piece in hidden for rest in piece.split(PASSWORD_WITHHELD)):
        return TEXT_WITHHELD
    return PASSWORD_WITHHELD.join(hidden)


@lru_cache(maxsize=64)
def build_value_pattern(password: str) -> re.Pattern[str]:
    """Return a pattern of all encodings of a password, which may change from character to character."""
    written = "".join(f"(?:{'|'.join(_write_encodings(character))})" for character in password)
    whole = (re.escape(each) for each in _encode_base64(password))
    return re.compile(
        "|".join((written, *(rf"(?-i:{each})[0-9a-z+/_-]{{0,4}}={{0,2}}" for each in whole))), re.IGNORECASE
    )


def _write_encodings(character: str) -> list[str]:
    """Return patterns of a character: plain, of its code point, and of its bytes in each charset."""
    raw = character.encode("utf-16-be", "surrogatepass")
    units = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
    code = ord(character)
    forms = [
        rf"\\{{0,8}}{re.escape(character)}",
        "".join(rf"\\{{1,8}}u0{{0,8}}{unit:04x}" for unit in units),
        rf"\\{{1,8}}u(?:\{{0{{0,8}}{code:x}\}}|0{{0,8}}{code:08x})",
        "".join(rf"{_PERCENT}u{unit:04x}" for unit in units),
        rf"{_AMPERSAND}#(?:0{{0,8}}{code};?|x0{{0,8}}{code:x};?)",
        *(rf"{_AMPERSAND}{name}" for name in _ENTITY_NAMES.get(character, ())),
    ]
    if character == " ":
        forms += [r"\+", rf"{_PERCENT}2b", "_"]
    written = _encode(character)
    if len(written) < len(_CHARSETS):
        forms += [r"\?", "\ufffd", rf"{_PERCENT}3f"]  # what stands for it in the other charset
    for encoded in written:
        forms.append("".join(map(_write_byte, encoded)))
        forms.append(encoded.hex())
    return forms


def _write_byte(byte: int) -> str:
    """Return a pattern of a byte: percent-encoded, escaped, a character reference, or plain in Latin-1."""
    escaped = rf"\\{{1,8}}(?:0{{0,8}}{byte:03o}|x{byte:02x})"
    reference = rf"{_AMPERSAND}#(?:0{{0,8}}{byte}|x0{{0,8}}{byte:x});"
    return rf"(?:{_PERCENT}{byte:02x}|{escaped}|={byte:02x}|{reference}|{re.escape(chr(byte))})"


def _encode_base64(password: str) -> list[str]:
    """Return what the password becomes in base64, at each of the three positions in a longer text."""
    written = set()
    for raw in {*_encode(password), password.encode("gbk", "replace")}:
        for before in range(3):
            encoded = b64encode(bytes(before) + raw).decode()
            # The characters at the ends also depend on the bytes around the password.
            inner = encoded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
            if len(password) >= _MIN_HIDDEN:
                written |= {inner, inner.replace("+", "-").replace("/", "_")}
    return sorted(written - {""}, key=lambda each: (-len(each), each))


_BASE64: Final = re.compile(r"[0-9A-Za-z+/_-]{2,}")
_ESCAPES: Final = re.compile(
    r"%u(?P<u>[0-9a-fA-F]{4})|\\u(?P<j>[0-9a-fA-F]{4})|%(?P<p>[0-9a-fA-F]{2})|\\x(?P<x>[0-9a-fA-F]{2})"
    r"|\\(?P<o>[0-3][0-7]{2})|\\(?P<c>[\"'\\/&<> -])"
)
_MOST_DECODED: Final = 6
"""How often a text is decoded again."""


def _contains_decoded(text: str, password: str) -> bool:
    """Return whether a text contains a password when it is decoded, once or again and again."""
    wanted = {password.casefold(), *(raw.decode("latin-1").casefold() for raw in _encode(password))}
    for _ in range(_MOST_DECODED):
        if any(_is_base64_of(match[0], wanted) for match in _BASE64.finditer(text)):
            return True
        lowered = text.casefold()
        if any(each in lowered or each in lowered.replace("+", " ") for each in wanted):
            return True
        decoded = _ESCAPES.sub(_decode_escape, unescape(text))
        if decoded == text:
            return False
        text = decoded
    return False


def _decode_escape(match: re.Match[str]) -> str:
    if match["c"]:
        return match["c"]
    return chr(int(match["o"], 8) if match["o"] else int(match[match.lastgroup or 0], 16))


def _is_base64_of(word: str, wanted: Iterable[str]) -> bool:
    """Return whether a word is base64 of a text with one of these."""
    digits = word.replace("-", "+").replace("_", "/")
    raw = b64decode(digits[: len(digits) // 4 * 4 + (len(digits) % 4 if len(digits) % 4 > 1 else 0)] + "==")
    text = raw.decode("latin-1").casefold()
    return any(each in text for each in wanted)


_SIGNATURE: Final = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])")

_HEX_DIGIT: Final = r"(?:[0-9a-fA-F]|%(?:u00)?(?:3[0-9]|[46][1-6])|&#(?:x[0-9a-fA-F]{2}|[0-9]{2,3});)"
"""A hexadecimal digit: plain, percent-encoded, as `%uXXXX`, or as a character reference."""

_HEX_WORD: Final = re.compile(rf"(?<![0-9a-fA-F]){_HEX_DIGIT}{{24,}}(?![0-9a-fA-F])")
"""A word that may be a signature, or a part of one that tells it."""

_SIGNATURE_LENGTH: Final = 32


def hide_signatures_in_text(text: str) -> str:
    """Replace the remembered signatures in a text."""
    return _SIGNATURE.sub(lambda match: WITHHELD if SIGNATURES.is_correct(match[0]) else match[0], text)


def hide_hex_words(text: str) -> str:
    """Replace every word in the text of a server that may be a signature: the server could have computed it itself.

    Long decimal numbers and the signature of zeros, which is wrong everywhere, stay.

    >>> hide_hex_words("sign=5cc68982f55ac74348e3d819f868fbe1, task 900000000000000000000000000001")
    'sign=SIGNATURE_NOT_SHOWN, task 900000000000000000000000000001'
    """
    return _HEX_WORD.sub(lambda match: WITHHELD if _may_be_signature(match[0]) else match[0], text)


def _may_be_signature(word: str) -> bool:
    return not word.isdecimal() or (len(word) == _SIGNATURE_LENGTH and len(set(word)) > 1)


_DIGIT: Final = r"(?:[0-9\uff10-\uff19]|%(?:u00)?3[0-9]|&#(?:4[89]|5[0-7]|x3[0-9]);)"
_MOBILE: Final = re.compile(
    rf"(?:(?<![0-9\uff10-\uff19])|(?<=%[0-9a-fA-F]{{2}}))(?P<prefix>(?:(?:\+|%2[Bb]|00)?86[- ]?)?)"
    rf"(?=[1\uff11]|%(?:u00)?31|&#49;|&#x31;)(?P<number>{_DIGIT}{{3}}[- ]?{_DIGIT}{{4}}[- ]?{_DIGIT}{{4}})(?!{_DIGIT})"
)
"""A mobile number, also with the prefix of China, in groups, or encoded."""

_ONE_DIGIT: Final = re.compile(_DIGIT)
_HEAD, _TAIL = 3, 2
"""How many digits of a number stay, at its beginning and at its end."""

_ELEMENT: Final = re.compile(
    r"(?P<open><(?P<name>content|mobile)\b[^>]*>)(?P<value>.+?)(?P<close></(?P=name)\s*>|\Z)", re.DOTALL | re.IGNORECASE
)
"""An element with a text or number of a person, also one whose end is missing."""

_PAIR: Final = re.compile(
    r"""(?P<open>(['"])(?P<name>content|mobile)\2\s*:\s*)(?P<quote>['"])(?P<value>(?:\\.|(?!(?P=quote)).)+)"""
    r"""(?P<close>(?P=quote)|\Z)""",
    re.DOTALL | re.IGNORECASE,
)
"""The same in JSON, and in a description of an item."""

_MIN_NUMBER: Final = 7
"""Number of characters from which a value is shown with its ends."""

_MIN_ANYWHERE: Final = 4
"""Number of characters from which a text of a person is masked wherever it occurs, also inside other text."""


def _mask_digits(match: re.Match[str]) -> str:
    digits = _ONE_DIGIT.findall(match["number"])
    return f"{match['prefix']}{''.join(digits[:_HEAD])}******{''.join(digits[-_TAIL:])}"


def mask_numbers(text: str) -> str:
    """Mask the mobile numbers in a text, except their first three and last two digits.

    >>> mask_numbers("13812345678,10086,+8613812345678")
    '138******78,10086,+86138******78'
    """
    return _MOBILE.sub(_mask_digits, text)


def _mask_value(name: str, value: str) -> str:
    if name.lower() == "content":
        return f"({len(value)} characters)"
    masked = mask_numbers(value)
    if masked != value or len(value) < _MIN_NUMBER:
        return masked
    return f"{value[:_HEAD]}******{value[-_TAIL:]}"


def mask_response(text: str) -> str:
    """Mask the numbers in the text of a response, and the texts of replies.

    >>> mask_response("<mobile>13812345678</mobile><content>你好</content>")
    '<mobile>138******78</mobile><content>(2 characters)</content>'
    """

    def mask_element(match: re.Match[str]) -> str:
        return f"{match['open']}{_mask_value(match['name'], match['value'])}{match['close']}"

    def mask_pair(match: re.Match[str]) -> str:
        value = _mask_value(match["name"], match["value"])
        return f"{match['open']}{match['quote']}{value}{match['close']}"

    return mask_numbers(_PAIR.sub(mask_pair, _ELEMENT.sub(mask_element, text)))


class PrivateTexts:
    """The texts of people in the responses of a run, which no report shows, whatever surrounds them there."""

    def __init__(self) -> None:
        self._forms: set[str] = set()

    def remember(self, text: str) -> None:
        """Remember the texts of the replies in a response."""
        for match in _ELEMENT.finditer(text):
            if match["name"].lower() == "content":
                value = match["value"].removeprefix("<![CDATA[").removesuffix("]]>")
                self._forms |= {value, value.strip(), unescape(value), repr(unescape(value))[1:-1]} - {""}

    def mask(self, text: str) -> str:
        """Mask the numbers and the remembered texts in a text of a report."""
        text = mask_response(text)
        # Long ones first: a short one may be a part of one. Only those that occur are compiled: there may be thousands.
        for form in sorted((form for form in self._forms if form in text), key=lambda form: (-len(form), form)):
            text = _build_text_pattern(form).sub(f"({len(form)} characters)", text)
        return text


def _build_text_pattern(value: str) -> re.Pattern[str]:
    """Return a pattern of a text: a short one, which could be a part of any word, only as a whole value."""
    escaped = re.escape(value)
    return re.compile(escaped if len(value) >= _MIN_ANYWHERE else rf"(?<=[>'\"]){escaped}(?=[<'\"])")


_ENCODED_DIGIT: Final = re.compile(r"%%?(?:u00)?3[0-9]")


def _build_number_pattern(value: str) -> re.Pattern[str]:
    """Return a pattern of a number in a request: plain, percent-encoded or as `%uXXXX`, also inside printf."""
    encoded = (f"(?:{re.escape(c)}|%%?{ord(c):02x}|%%?u{ord(c):04x})" for c in value)
    return re.compile("".join(encoded), re.IGNORECASE)


def mask_numbers_of_request(text: str, numbers: Iterable[str]) -> str:
    """Mask these numbers in the bytes of a request, however their digits are encoded there, and all mobile numbers."""
    has_encoded_digits = _ENCODED_DIGIT.search(text) is not None
    for number in numbers:
        if len(number) >= _MIN_NUMBER:
            masked = f"{number[:_HEAD]}{'*' * (len(number) - _HEAD - _TAIL)}{number[-_TAIL:]}"
            text = text.replace(number, masked)
            # A pattern for each of thousands of numbers takes seconds.
            if has_encoded_digits or not number.isdecimal():
                text = _build_number_pattern(number).sub(masked.replace("\\", "\\\\"), text)
    return mask_numbers(text)


def mask_excerpt(text: str, length: int) -> str:
    """Return the beginning of a text of the server, for a message. **Masked first: a cut value escapes a mask.**"""
    return shorten(hide_hex_words(SIGNATURES.hide_real_passwords(mask_response(text))), length)


_CUT_WORD: Final = re.compile(r"[0-9A-Za-z%&#;+\uff10-\uff19-]{1,64}\Z")


def shorten(text: str, length: int) -> str:
    """Return at most the first `length` characters of a text, without a word that the end would cut.

    >>> shorten("number 13812345678, text", 12)
    'number … (24 characters)'
    """
    return text if len(text) <= length else f"{_CUT_WORD.sub('', text[:length])}… ({len(text)} characters)"
