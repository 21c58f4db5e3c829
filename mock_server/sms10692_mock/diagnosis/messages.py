"""What is said about each mistake: one plain sentence that says what is wrong and what to do.

Here belongs every code there is. A pair of braces stands for what only the request tells.
"""

from collections.abc import Mapping
from typing import Final

_FORMULA: Final = "account, password, timestamp, one directly behind the other"

_SIGNATURES: Final = {
    # The three parameters
    "absent": "The parameter '{}' is absent: every request carries userid, timestamp and sign.",
    "blank": "The parameter '{}' is empty: every request carries userid, timestamp and sign.",
    "sign-space": "The parameter is named '{} ' with a space, as the manual's example prints it: name it 'sign'.",
    "name-space": "The name of '{}' has white space or an unseen character in it: send the bare name.",
    "name-entity": "The name of '{}' begins with 'amp;': join parameters with '&', not with '&amp;'.",
    "misnamed": "A parameter has another name than the manual gives it: {}.",
    "clear-credentials": (
        "Account and password came in clear, as an older generation of these pages took them: send userid, "
        "timestamp and sign instead."
    ),
    "swapped": "timestamp and sign are exchanged: each holds what belongs into the other.",
    "userid-space": "The userid has white space around it: send {}.",
    "account-as-userid": "The userid is in fact the name of an account: send that account's userid, {}.",
    "userid-form": "The userid is not written as the account has it: send {}.",
    "userid-of-another": (
        "Nobody has this userid, but the account with the userid {} made this signature: send that one."
    ),
    "userid-unknown": "Nobody has the userid {}: send one of a known account, or make that account.",
    # How the digest is written
    "upper-case": "The signature is in capital letters: write its 32 hexadecimal digits in lower case.",
    "hyphens": "The signature has separators between its digits: take them out, and write it in lower case.",
    "repeated": "The signature was sent more than once: send the parameter once, in the query string or in the body.",
    "wrapped": "There is something around the 32 digits of the signature: send the digits alone.",
    "sixteen-digits": "The signature has 16 digits: send all 32 of the MD5 digest.",
    "base64": "The signature is in Base64: write the MD5 digest in 32 hexadecimal digits.",
    "another-hash": "The signature is made with {}: use MD5.",
    "zeros-lost": "The signature lost the zeros in front of some of its bytes: write each byte with two digits.",
    "signed-bytes": (
        "Bytes of the signature were written as signed numbers: take the lowest 8 bits of each, two digits."
    ),
    "as-number": "The signature was written as one number: write each of its 16 bytes with two hexadecimal digits.",
    "not-32-digits": "The signature is not 32 hexadecimal digits: send an MD5 digest in lower case.",
    "manuals-example": (
        "This is the signature of the manual's example: compute one for this account and this timestamp."
    ),
    "unexplained": (
        "No mistake that is known here makes this signature: most likely the account's name or password is another; "
        "sign " + _FORMULA + "."
    ),
    # What was hashed
    "order": "The parts are signed in the order {}: sign " + _FORMULA + ".",
    "userid-for-account": "The userid is signed in place of the account ({}): sign " + _FORMULA + ".",
    "userid-too": "The userid is signed beside the account ({}): sign " + _FORMULA + ".",
    "no-account": "The account is not signed ({}): sign " + _FORMULA + ".",
    "no-password": "The password is empty or not signed ({}): sign " + _FORMULA + ".",
    "no-timestamp": "The timestamp is not signed ({}): sign " + _FORMULA + ".",
    "nothing-signed": "The signature is that of an empty text: sign " + _FORMULA + ".",
    "hashed-twice": "The digest is hashed once more (of {}): MD5 is applied once.",
    "hashed-password": "The password is hashed before it is signed ({}): sign the password itself.",
    "hashed-parts": "Parts are hashed before they are signed ({}): sign the values themselves.",
    "separators": "There is a separator between the parts ({}): sign " + _FORMULA + ".",
    "labels": (
        "The names of the parts are signed with them ({}): sign the values alone, one directly behind the other."
    ),
    "quotes": "The parts are signed with quotation marks or brackets: sign the values alone.",
    "names-signed": "The names of the parts are signed, not their values: put the values in.",
    "line-end": "What is signed has a line end in it, {}: take it out.",
    "white-space": "What is signed has white space in it, {}: take it out.",
    "byte-order-mark": "What is signed has a byte order mark in it, {}: take it out.",
    "nul": "What is signed has a NUL character in it, {}: take it out.",
    "trimmed": "White space that belongs to {} was cut off before signing: sign what the account has.",
    "letter-case": "Letters of {} were changed in case before signing: sign them as the account has them.",
    "url-encoded": "What is signed is percent-encoded ({}): sign the plain values, and encode only what is sent.",
    "entities": "What is signed has entities in it ({}): sign the plain values.",
    "base64-part": "What is signed is in Base64 ({}): sign the plain values.",
    "encoded-twice": "What is signed was encoded twice ({}): sign its UTF-8 bytes.",
    "escapes": "What is signed has backslash escapes in it ({}): sign the plain values.",
    "gbk": "The signature is over GBK bytes, which only the GBK page accepts: sign the UTF-8 bytes.",
    "utf-16": "The signature is over UTF-16 bytes ({}): sign the UTF-8 bytes.",
    "utf-32": "The signature is over UTF-32 bytes ({}): sign the UTF-8 bytes.",
    "big5": "The signature is over Big5 bytes ({}): sign the UTF-8 bytes.",
    "letters-lost": "The signature is over bytes that lack the Chinese letters ({}): sign the UTF-8 bytes.",
    "too-much": "Another parameter is signed too, {}: sign account, password and timestamp only.",
    # Which timestamp was hashed
    "timestamp-differs": "The timestamp is signed in {}, but sent in another form: send the text that is signed.",
    "timestamp-separators": "The timestamp is signed with separators: sign the 14 digits that are sent.",
    "timestamp-unix": "The timestamp is signed as Unix time ({}): sign the 14 digits that are sent.",
    "timestamp-short": "The timestamp is signed {}: sign the 14 digits that are sent.",
    "timestamp-milliseconds": "The timestamp is signed with milliseconds: sign the 14 digits that are sent.",
    "timestamp-letters": "The timestamp is signed with a wrong pattern, {}: use one text for both places.",
    "timestamp-twelve-hour": (
        "Either the timestamp that is signed or the one that is sent has a 12-hour clock: use 24 hours, and one "
        "text for both places."
    ),
    "timestamp-utc": (
        "The timestamp that is signed and the one that is sent are 8 hours apart, as UTC and China time are: use "
        "China time, and one text for both places."
    ),
    "timestamp-zone": "The timestamp that is signed is {}: use China time, and one text for both places.",
    "seconds-off": "The timestamp that is signed is {} than the one that is sent: read the clock once.",
    "minutes-off": "The timestamp that is signed is {} than the one that is sent: read the clock once.",
    "manuals-timestamp": "The timestamp that is signed is that of the manual's example: sign the one that is sent.",
    "another-moment": (
        "The timestamp that is signed is the time now, but another one is sent: send the one that is signed."
    ),
    # Whose values were hashed
    "another-account": (
        "The account with the userid {} made this signature: send that userid, or sign with this account's name "
        "and password."
    ),
    "another-password": (
        "The signature has the password of the account with the userid {}: sign with this account's own."
    ),
    "another-name": "The signature has the name of the account with the userid {}: sign with this account's own.",
}

_TEXTS: Final = {
    # Bytes
    "gbk-on-the-utf-8-page": "The text is in GBK, and this page reads UTF-8: send UTF-8, or send to the GBK page.",
    "utf-8-on-the-gbk-page": "The text is in UTF-8, and this page reads GBK: send GBK, or send to the UTF-8 page.",
    "gb18030-on-the-gbk-page": (
        "The text has characters of GB18030 that this page cannot read: send to the UTF-8 page."
    ),
    "utf-16": "The text is in UTF-16: send it in the charset of the page.",
    "latin-1": "The text is in Latin-1 or Windows-1252: send it in the charset of the page.",
    "cut": "The text ends in the middle of a character: cut texts by characters, not by bytes.",
    "undecodable": "The text has bytes that are no text in the charset of the page: send it in that charset.",
    # Characters
    "utf-8-read-as-latin-1": "The text was encoded twice: its UTF-8 bytes were read as Latin-1 and encoded again.",
    "utf-8-read-as-windows-1252": (
        "The text was encoded twice: its UTF-8 bytes were read as Windows-1252 and encoded again."
    ),
    "utf-8-read-as-gbk": "The text was encoded twice: its UTF-8 bytes were read as GBK and encoded again.",
    "gbk-read-as-latin-1": "The text was encoded twice: its GBK bytes were read as Latin-1 and encoded again.",
    "percent-encoded-twice": (
        "The text was percent-encoded twice: leave the encoding to the HTTP library, or do it once."
    ),
    "byte-order-mark": "The text begins with a byte order mark: take it out; whoever reads a file should skip it.",
    "bytes-literal": "The text is how a program prints bytes: decode the bytes before sending them.",
    "base64": "The text is in Base64: send it as it is.",
    "escapes": "The text has escapes like \\u5185 in place of characters: send the characters.",
    "entities": "The text has XML or HTML entities in place of characters: send the characters.",
    "unseen-characters": "The text has NUL or other control characters in it: take them out.",
    "replacement-characters": (
        "Characters were already lost before sending, and U+FFFD stands in their place: find where the sender "
        "decodes bytes with a wrong charset."
    ),
    "question-marks": (
        "Characters were already lost before sending, and question marks stand in their place: find where the "
        "sender encodes to a charset without Chinese."
    ),
    # Numbers
    "mobile-full-width-comma": "There are full-width commas between the numbers: use half-width ones.",
    "mobile-semicolon": "There are semicolons between the numbers: use half-width commas.",
    "mobile-newline": "There are line ends between the numbers: use half-width commas.",
    "mobile-separator": (
        "There is something other than a half-width comma between the numbers: use half-width commas."
    ),
    "mobile-full-width-digits": "Numbers are written with full-width digits: use half-width ones.",
}

_HABITS: Final = {
    "timestamp-form": (
        "The timestamp is not 14 digits, and a server that checks the time will refuse it: send yyyyMMddHHmmss."
    ),
    "twelve-hour": "The timestamp is 12 hours off, as a 12-hour clock writes it: use 24 hours (HH, %H).",
    "utc": "The timestamp is 8 hours behind, as UTC is: use China time, UTC+8.",
    "stale": "The timestamp is {}, and a server that checks the time will refuse it: take the time when sending.",
    "multipart": (
        "The body is multipart/form-data: the manual knows only forms; send application/x-www-form-urlencoded."
    ),
    "multipart-unreadable": (
        "The multipart body has no field that can be read: check its boundary, its end, and that no part has a "
        "file name."
    ),
    "json-body": "The body is JSON, which these pages do not read: send a form.",
    "content-type": "The body is a form, but its Content-Type is {}: send application/x-www-form-urlencoded.",
    "charset-label": (
        "The Content-Type names the charset {}, and this page has another one: the page decides; choose it by the "
        "charset."
    ),
    "unencoded": "Bytes beyond ASCII were sent as they are: percent-encode them.",
    "get": "The request is a GET: the manual asks for POST, and addresses are logged and cut on the way.",
    "credentials-in-query": (
        "Userid and signature are in the query string, where logs keep them: send them in the body."
    ),
    "clear-credentials": "A password came in clear beside the signature: leave it out.",
    "entity-between-parameters": (
        "Parameters are joined with '&amp;', so that their names begin with 'amp;': join them with '&'."
    ),
    "unknown-parameters": "The manual knows no such parameter for this operation: {}.",
    "polling": "The queue was fetched {} s ago: once in 30 s is enough.",
    "fetched-after-empty": (
        "The queue was empty {} s ago, and nothing can be expected so soon: wait after an empty answer."
    ),
}

MESSAGES: Final[Mapping[str, str]] = {
    f"{kind}.{code}": sentence
    for kind, sentences in (("signature", _SIGNATURES), ("text", _TEXTS), ("habit", _HABITS))
    for code, sentence in sentences.items()
}

CODES: Final = tuple(MESSAGES)
"""Every code that a finding may have. They are stable: tests and scripts may rely on them."""
