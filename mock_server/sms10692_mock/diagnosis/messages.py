"""Message catalogue of the diagnosis: every finding code with one sentence that says what is wrong and what to do.

Braces are replaced by the `values` of a finding, in their order. Behind one, a noun with `(s)` is singular if the value
is 1. Codes are public and stable. The Chinese sentences are in `findings.zh.toml`. Those of refusals are in
`domain.evidence`, in both languages.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from sms10692_mock.domain.evidence_texts import EVIDENCE

_FORMULA: Final = "account, password and timestamp, directly one after another"

_SIGNATURE_MESSAGES: Final = {
    # The three parameters
    "absent": "The parameter '{}' is missing: every request needs userid, timestamp and sign.",
    "blank": "The parameter '{}' is empty: every request needs userid, timestamp and sign.",
    "authorization-header": (
        "Credentials are in the header Authorization, which is not read: send userid, timestamp and sign as parameters."
    ),
    "sign-space": "The parameter is named '{} ' with a space, as printed in the manual's example: name it 'sign'.",
    "name-space": "The name of '{}' contains white space or an invisible character: send the bare name.",
    "name-entity": "The name of '{}' begins with 'amp;': join parameters with '&', not with '&amp;'.",
    "misnamed": "A parameter name differs from the manual: {}.",
    "clear-credentials": (
        "Account and password were sent in plain text: this endpoint takes userid, timestamp and sign; the older "
        "endpoint {} takes account and password."
    ),
    "swapped": "timestamp and sign are exchanged: each has the value of the other.",
    "userid-space": "The userid is surrounded by white space: send {}.",
    "account-as-userid": "The userid is the name of an account: send the userid of that account, {}.",
    "userid-form": "The userid is written differently from the account's: send {}.",
    "userid-of-another": (
        "No account has this userid, but the signature is valid for the account with the userid {}: send that userid."
    ),
    "userid-unknown": "No account has the userid {}: send the userid of an existing account, or create the account.",
    # How the digest is written
    "upper-case": "The signature is in upper case: send its 32 hexadecimal digits in lower case.",
    "hyphens": "The signature has separators between its digits: remove them, and send it in lower case.",
    "repeated": "The signature was sent more than once: send the parameter once, in the query string or in the body.",
    "wrapped": "The 32 digits of the signature are surrounded by other characters: send the digits only.",
    "sixteen-digits": "The signature has 16 digits: send all 32 of the MD5 digest.",
    "base64": "The signature is in Base64: send the MD5 digest as 32 hexadecimal digits.",
    "another-hash": "The signature was made with {}: use MD5.",
    "zeros-lost": "Leading zeros of bytes are missing in the signature: write each byte as two hexadecimal digits.",
    "signed-bytes": (
        "Bytes of the signature were written as signed numbers: use the lowest 8 bits of each, as two digits."
    ),
    "as-number": "The signature was written as one number: write each of its 16 bytes as two hexadecimal digits.",
    "not-32-digits": "The signature is not 32 hexadecimal digits: send an MD5 digest in lower case.",
    "manuals-example": (
        "This is the signature of the manual's example: compute one for this account and this timestamp."
    ),
    "unexplained": (
        "No known mistake produces this signature; most likely the account's name or password is different: sign "
        + _FORMULA
        + "."
    ),
    # What was hashed
    "order": "The signed parts are in the order {}: sign " + _FORMULA + ".",
    "userid-for-account": "The userid was signed instead of the account ({}): sign " + _FORMULA + ".",
    "userid-too": "The userid was signed in addition to the account ({}): sign " + _FORMULA + ".",
    "no-account": "The account was not signed ({}): sign " + _FORMULA + ".",
    "no-password": "The password is empty or was not signed ({}): sign " + _FORMULA + ".",
    "no-timestamp": "The timestamp was not signed ({}): sign " + _FORMULA + ".",
    "nothing-signed": "The signature is that of an empty text: sign " + _FORMULA + ".",
    "hashed-twice": "The digest was hashed again (of {}): apply MD5 once.",
    "hashed-password": "The password was hashed before signing ({}): sign the password itself.",
    "hashed-parts": "Parts were hashed before signing ({}): sign the values themselves.",
    "hmac": "The signature is an HMAC with the {} as its key: take the plain MD5 of " + _FORMULA + ".",
    "separators": "A separator was signed between the parts ({}): sign " + _FORMULA + ".",
    "labels": ("The names of the parts were signed with them ({}): sign the values only, directly one after another."),
    "quotes": "Quotation marks or brackets were signed with the parts: sign the values only.",
    "names-signed": "The names of the parts were signed instead of their values: insert the values.",
    "line-end": "The signed text contains a line end, {}: remove it.",
    "white-space": "The signed text contains white space, {}: remove it.",
    "byte-order-mark": "The signed text contains a byte order mark, {}: remove it.",
    "nul": "The signed text contains a NUL character, {}: remove it.",
    "trimmed": "White space that belongs to {} was removed before signing: sign the exact values of the account.",
    "letter-case": "The case of letters of {} was changed before signing: sign the exact values of the account.",
    "url-encoded": "The signed text is percent-encoded ({}): sign the plain values, and encode only the request.",
    "entities": "The signed text contains XML or HTML entities ({}): sign the plain values.",
    "base64-part": "The signed text is in Base64 ({}): sign the plain values.",
    "encoded-twice": "The signed text was encoded twice ({}): sign its UTF-8 bytes.",
    "escapes": "The signed text contains backslash escapes ({}): sign the plain values.",
    "gbk": "The signed bytes are GBK, which only the GBK endpoint accepts: sign the UTF-8 bytes.",
    "utf-16": "The signed bytes are UTF-16 ({}): sign the UTF-8 bytes.",
    "utf-32": "The signed bytes are UTF-32 ({}): sign the UTF-8 bytes.",
    "big5": "The signed bytes are Big5 ({}): sign the UTF-8 bytes.",
    "letters-lost": "The signed bytes are in a charset without Chinese characters ({}): sign the UTF-8 bytes.",
    "too-much": "More was signed than account, password and timestamp ({}): sign these three only.",
    "missing-value": "The text of a missing value was signed ({}): check the variable before signing.",
    # Which timestamp was hashed
    "timestamp-differs": "The timestamp was signed as {}, but sent in another form: send the signed text.",
    "timestamp-separators": "The timestamp was signed with separators: sign the 14 digits that are sent.",
    "timestamp-unix": "The timestamp was signed as Unix time ({}): sign the 14 digits that are sent.",
    "timestamp-short": "The timestamp was signed {}: sign the 14 digits that are sent.",
    "timestamp-milliseconds": "The timestamp was signed with milliseconds: sign the 14 digits that are sent.",
    "timestamp-letters": "The timestamp was signed with a wrong date pattern, {}: sign the text that is sent.",
    "timestamp-twelve-hour": (
        "The signed and the sent timestamp are 12 hours apart, as if one came from a 12-hour clock: use a 24-hour "
        "clock, and sign the text that is sent."
    ),
    "timestamp-utc": (
        "The signed and the sent timestamp are 8 hours apart, like UTC and China time: use China time, and sign the "
        "text that is sent."
    ),
    "timestamp-zone": "The signed timestamp is {}: use China time, and sign the text that is sent.",
    "seconds-off": "The signed timestamp is {} than the sent one: read the clock once.",
    "minutes-off": "The signed timestamp is {} than the sent one: read the clock once.",
    "manuals-timestamp": "The signed timestamp is that of the manual's example: sign the timestamp that is sent.",
    "another-moment": (
        "The signed timestamp is the current time, but another timestamp was sent: send the signed one."
    ),
    # Whose values were hashed
    "another-account": (
        "The signature was made with name and password of the account with the userid {}: send that userid, or sign "
        "with this account's name and password."
    ),
    "another-password": (
        "The signature was made with the password of the account with the userid {}: use the password of this account."
    ),
    "another-name": (
        "The signature was made with the name of the account with the userid {}: use the name of this account."
    ),
}

_PASSWORD_MESSAGES: Final = {
    "absent": "The parameter '{}' is missing: every request to this endpoint needs userid, account and password.",
    "blank": "The parameter '{}' is empty: every request to this endpoint needs userid, account and password.",
    "authorization-header": (
        "Credentials are in the header Authorization, which is not read: send userid, account and password as "
        "parameters."
    ),
    "misnamed": "A parameter is named '{}': name it '{}'.",
    "signed-request": (
        "The request is signed, and this endpoint takes account and password in clear: send signed requests to {}."
    ),
    "userid-of-another": (
        "No account has this userid, but account and password are those of the account with the userid {}: send that "
        "userid."
    ),
    "userid-unknown": "No account has the userid {}: send the userid of an existing account, or create the account.",
    "swapped": "account and password are exchanged: each has the value of the other.",
    "hashed": "The password was sent as an MD5 digest: this endpoint takes the password in clear.",
    "digest-form": (
        "The password looks like an MD5 digest: this endpoint takes the password in clear, and only other brands take "
        "a digest."
    ),
    "of-another": "The password is that of another account: send the password of the account with this userid.",
    "white-space": "The value of '{}' is surrounded by white space: send the exact value.",
    "letter-case": "The value of '{}' differs from the account's in the case of letters: send the exact value.",
    "plus": "A '+' in the value of '{}' arrived as a space: percent-encode it as %2B.",
    "cut": "The value of '{}' was cut at a character that ends a parameter or a URL: percent-encode the value.",
    "encoded-twice": "The value of '{}' was percent-encoded twice: encode it once.",
    "charset": "The value of '{}' is not in the charset of this endpoint: encode it in that charset.",
    "quotes": "The value of '{}' is in quotation marks: send the bare value.",
    "differs": "The value of '{}' differs from that of the account with this userid: send the account's.",
}

_TEXT_MESSAGES: Final = {
    # Bytes
    "gbk-on-the-utf-8-page": "The text is in GBK, and this endpoint expects UTF-8: send UTF-8 or use the GBK endpoint.",
    "utf-8-on-the-gbk-page": "The text is in UTF-8, and this endpoint expects GBK: send GBK or use the UTF-8 endpoint.",
    "gb18030-on-the-gbk-page": ("The text contains characters of GB18030 that are not in GBK: use the UTF-8 endpoint."),
    "utf-16": "The text is in UTF-16: send it in the charset of the endpoint.",
    "latin-1": "The text is in Latin-1 or Windows-1252: send it in the charset of the endpoint.",
    "cut": "The text ends in the middle of a character: shorten texts by characters, not by bytes.",
    "undecodable": "The text contains bytes that are invalid in the charset of the endpoint: send it in that charset.",
    # Characters
    "utf-8-read-as-latin-1": "The text was encoded twice: its UTF-8 bytes were read as Latin-1 and encoded again.",
    "utf-8-read-as-windows-1252": (
        "The text was encoded twice: its UTF-8 bytes were read as Windows-1252 and encoded again."
    ),
    "utf-8-read-as-gbk": "The text was encoded twice: its UTF-8 bytes were read as GBK and encoded again.",
    "emoji-read-as-gbk": (
        "The text contains the UTF-8 bytes of an emoji, read as GBK: GBK has no emoji, so leave them out, or send the "
        "whole text in UTF-8 to a UTF-8 page."
    ),
    "gbk-read-as-latin-1": "The text was encoded twice: its GBK bytes were read as Latin-1 and encoded again.",
    "percent-encoded-twice": (
        "The text was percent-encoded twice: leave the encoding to the HTTP library, or do it once."
    ),
    "byte-order-mark": "The text begins with a byte order mark: remove it, for example when reading a file.",
    "bytes-literal": "The text is the printed form of bytes: decode the bytes before sending.",
    "base64": "The text is in Base64: send the plain text.",
    "hexadecimal": "The text was written as hexadecimal digits of its bytes: send the plain text.",
    "escapes": "The text contains escapes like \\u5185 instead of characters: send the characters.",
    "entities": "The text contains XML or HTML entities instead of characters: send the characters.",
    "unseen-characters": "The text contains control characters or other invisible ones: remove them.",
    "replacement-characters": (
        "Characters were lost before sending and replaced by U+FFFD: find where the sender decodes bytes with a wrong "
        "charset."
    ),
    "question-marks": (
        "Characters were lost before sending and replaced by question marks: find where the sender encodes to a "
        "charset without Chinese."
    ),
    # Numbers
    "mobile-full-width-comma": "The numbers are separated by full-width commas: use half-width commas.",
    "mobile-semicolon": "The numbers are separated by semicolons: use half-width commas.",
    "mobile-newline": "The numbers are separated by line ends: use half-width commas.",
    "mobile-separator": (
        "The numbers are separated by other characters than half-width commas: use half-width commas."
    ),
    "mobile-full-width-digits": "Numbers are written with full-width digits: use half-width digits.",
    "number-missing-value": "'{}' is the text of a missing value ({} of {} number(s)): check the variable.",
    "number-placeholder": "'{}' is a placeholder that was not filled in ({} of {} number(s)): insert the number.",
    "number-escaped-twice": "'{}' was percent-encoded twice ({} of {} value(s)): encode the list of numbers once.",
    "number-masked": "'{}' is masked ({} of {} number(s)): send all 11 digits.",
    "number-invisible": "'{}' has invisible characters ({} of {} number(s)): send the 11 digits only.",
    "number-json": "'{}' is part of a JSON array ({} of {} value(s)), or of an object: join numbers with commas only.",
    "number-quotes": "{} is in quotation marks ({} of {} number(s)): send the digits only.",
    "number-country-code": "'{}' has a country code ({} of {} number(s)): send the 11 digits of the mobile only.",
    "number-foreign": "'{}' is a number of another country ({} of {} number(s)): send 11 digits of a mobile in China.",
    "number-decimal": "'{}' is written as a decimal number ({} of {} number(s)): keep numbers as text.",
    "number-exponent": "'{}' is written with an exponent ({} of {} number(s)): keep numbers as text.",
    "number-joined": "'{}' is several numbers without a comma ({} of {} value(s)): join numbers with commas.",
    "number-spaces": "'{}' has spaces or hyphens inside ({} of {} number(s)): send 11 digits without them.",
    "number-not-mobile": "'{}' does not begin with 1 ({} of {} number(s)): send mobile numbers of China only.",
    "number-landline": "'{}' is a landline number ({} of {} number(s)): send mobile numbers of China only.",
    "number-length": "'{}' has {} digit(s) ({} of {} number(s)): a mobile number has 11.",
    "number-not-digits": "'{}' is no number ({} of {} number(s)): send 11 digits.",
    # Accidents
    "missing-value": (
        "The text contains '{}', which may be the text of a missing value: check the variable before sending."
    ),
    "placeholder": "The text contains '{}', which may be a placeholder that was not filled in: insert the value.",
    "printed-object": "The text contains '{}', a printed object: send the value that it holds.",
    "json": "The text is JSON ('{}'), which the recipient will see: send the text that it holds.",
    "begins-with-name": "The text begins with '{}', the name of a parameter: send the value only.",
    "markup": "The text contains the markup '{}', which the recipient will see: send plain text.",
    "quotes": "The text is in quotation marks ({}), which the recipient will see: send it without them.",
    "lost-byte-order-mark": (
        "The text begins with '{}' before the signature, probably a byte order mark that was lost: remove it, for "
        "example when reading a file."
    ),
    "escaped-line-end": "The text contains '{}' as letters: send the character itself, or a space.",
    "signature-in-the-middle": (
        "The signature {} is in the middle of the text: put it at the beginning, or at the end if the vendor says so."
    ),
}

_STYLE_MESSAGES: Final = {
    "timestamp-form": (
        "timestamp is '{}', not 14 digits; a server that checks the time will refuse it: send it like 20120701231212."
    ),
    "timestamp-no-date": (
        "timestamp '{}' is no date ({}): send yyyyMMddHHmmss, in which MM is the month, mm the minute, and HH the hour "
        "from 00 to 23."
    ),
    "twelve-hour": "The timestamp is 12 hours off, as from a 12-hour clock: use a 24-hour clock (HH, %H).",
    "utc": "The timestamp is 8 hours behind, like UTC: use China time, UTC+8.",
    "stale": "The timestamp is {}; a server that checks the time will refuse it: use the current time when sending.",
    "twelve-hour-utc": (
        "The timestamp is UTC on a 12-hour clock: use China time, UTC+8, and a 24-hour clock (HH, %H)."
    ),
    "send-time-utc": (
        "sendTime is '{}', 8 hours in the past, as if it were UTC, so the text is sent at once: use China time, UTC+8."
    ),
    "send-time-past": (
        "sendTime is '{}', which is in the past ({} old), so the text is sent at once: send a later time, or none."
    ),
    "text-lost": "'{}' was lost, because it follows a raw '&' ({} ends with '{}'): write & as %26.",
    "numbers-lost": "'{}' was lost, because a raw '&' separates it from the numbers before: join numbers with commas.",
    "broken-percent": "A '%' in {} is not followed by two hexadecimal digits ('{}'): write % as %25.",
    "plus-as-space": "A raw '+' in {} arrives as a space ('{}'): write + as %2B, and a space as + or %20.",
    "repeated-parameter": "{} was sent {} time(s), and the values are joined with commas: send it once.",
    "query-and-body": (
        "{} is in the query string and, with another value, in the body; only '{}' of the query string counts: send it "
        "once."
    ),
    "escaped-pair": "'{}' is a name and a value escaped together: escape only the value, not the '='.",
    "escaped-ampersand": (
        "The value of {} contains '%26{}%3D', so the parameters behind it became part of the value: escape each value "
        "alone, not the '&' between parameters (with curl, one --data-urlencode for each)."
    ),
    "similar-name": "The parameter '{}' is unknown and probably means '{}': use the manual's name.",
    "bracket-name": (
        "The parameter '{}' has brackets, as for a list or an object: send one '{}', with commas between numbers."
    ),
    "pairs-not-joined": "The parameters are separated by '{}': join them with '&'.",
    "question-mark": "The form begins with '?', which is only for a URL: send the pairs without it.",
    "quoted-form": (
        "The form is in quotation marks ({}), which became part of its first name: send it without them (the shell of "
        "Windows knows double quotes only)."
    ),
    "json-query": "The query string is JSON, which these endpoints do not read: send pairs, name=value&name=value.",
    "byte-order-mark": (
        "The form begins with a byte order mark, which became part of its first name, {}: remove it, for example when "
        "reading a file."
    ),
    "nested-request": "The parameter {} contains a whole request as JSON or XML: send a form of its parameters.",
    "compressed-body": "The body is compressed, which these endpoints do not decode: send it uncompressed.",
    "content-encoding": (
        "Content-Encoding is {}, but the body is not compressed: leave the header out, and name a charset in the "
        "Content-Type."
    ),
    "part-with-filename": (
        "The part {} has a file name, so it is no field (aiohttp sends bytes so): send text, or percent-encode it."
    ),
    "multipart": (
        "The body is multipart/form-data, which the manual does not mention: send application/x-www-form-urlencoded."
    ),
    "multipart-unreadable": (
        "The multipart body has no readable field: check its boundary and its end, and that no part has a file name."
    ),
    "json-body": "The body is JSON, which these endpoints do not accept: send a form.",
    "xml-body": "The body is XML, which these endpoints do not accept: send a form.",
    "printed-object": (
        "The body is the text of an object ('{}'), not its content: serialise the object as a form before sending."
    ),
    "no-pair": "The body has no pair of name and value (bytes: {}): send a form, name=value&name=value.",
    "form-not-read": (
        "The body is a form, but its Content-Type is {}, so it was not read: send application/x-www-form-urlencoded."
    ),
    "multipart-label": (
        "The body is multipart/form-data, but its Content-Type is {}: let the HTTP library write both, or send "
        "application/x-www-form-urlencoded."
    ),
    "body-empty": "The request has neither a body nor a query string: send the parameters as a form.",
    "length-missing": (
        "The request has neither Content-Length nor Transfer-Encoding, so it has no body, and bytes after its headers "
        "are read as another request: send Content-Length."
    ),
    "content-type": "The body is a form, but its Content-Type is {}: send application/x-www-form-urlencoded.",
    "charset-label": (
        "The Content-Type names the charset {}, which is ignored because this endpoint has another charset: use the "
        "endpoint for your charset."
    ),
    "unencoded": "Non-ASCII bytes were sent without encoding: percent-encode them.",
    "get": "The request is a GET: use POST as the manual requires, because URLs are logged and may be truncated.",
    "head": (
        "The request is a HEAD, which is processed and charged like a GET, but has no response to read: use POST as "
        "the manual requires."
    ),
    "credentials-in-query": "{} and {} are in the query string, which logs record: send them in the body of a POST.",
    "clear-credentials": "A password was sent in plain text in addition to the signature: leave it out.",
    "entity-between-parameters": (
        "Parameters are joined with '&amp;', so their names begin with 'amp;': join them with '&'."
    ),
    "json-parameter": (
        "{}=json does not ask for JSON in this profile, so the response is XML: read XML, or compare the parameter "
        "with the vendor's document."
    ),
    "nothing-to-check": (
        "content is missing or empty, so nothing was checked; received {}: send the text to check as 'content'."
    ),
    "unknown-parameters": "This operation has no such parameter at this endpoint: {}.",
    "word-unchecked": (
        "The text has the forbidden word '{}' at character {} and passes because checkContent is not 1: send "
        "checkContent=1 to have it checked."
    ),
    "polling": "The queue was fetched {} s ago: fetch it once in 30 s.",
    "fetched-after-empty": ("The queue was empty {} s ago: wait longer after an empty response."),
}

_HTTP_MESSAGES: Final = {
    # Bytes that are no HTTP/1 request; {} is what `rejection` found in them
    "tls": "A TLS handshake came to a plain HTTP port ({}): use http:// instead of https://.",
    "tls-port": "A TLS handshake came to the plain HTTP port: use https:// with port {}, or http:// with this port.",
    "tls-missing": "A request without TLS came to the TLS port ({}): use https:// instead of http://.",
    "tls-untrusted": (
        "The client does not accept the certificate ({}): let it trust the CA, or use a name that the certificate has; "
        "`sms10692-mock trust` prints how, for `--tls self-signed`."
    ),
    "tls-handshake": (
        "The TLS handshake failed ({}): the client needs TLS 1.2 or 1.3, and must accept the certificate."
    ),
    "http2": "The connection begins with HTTP/2 ({}): let the client use HTTP/1.1.",
    "proxy-protocol": "The connection begins with a PROXY protocol header ({}): turn it off in the load balancer.",
    "byte-order-mark": "The request begins with a byte order mark ({}): remove it, for example when reading a file.",
    "connect": (
        "CONNECT asks for a tunnel ({}), as clients do for https:// through a proxy: use http://, or no proxy for this "
        "host."
    ),
    "http-version": "The HTTP version is not written in capitals ({}): write HTTP/1.1.",
    "space-in-url": (
        "The URL contains a space ({}): percent-encode the values, a space as %20; sendTime and texts often have one."
    ),
    "control-character-in-url": "The URL contains a tab or another control character ({}): percent-encode the values.",
    "extra-space": "More than one space stands between method and URL ({}): write one.",
    "no-version": "The first line ends without a version ({}): end the line with HTTP/1.1.",
    "request-line": "The bytes do not begin with a method, a URL and HTTP/1.1 ({}): use an HTTP library.",
    "url-too-long": "The URL is too long ({}): send the parameters in the body.",
    "target": "The URL after the method is no path ({}): send the path, for example /v2sms.aspx.",
    "header": "A line among the headers is no header ({}): one name, a colon and one value per line.",
    "space-before-colon": "A space stands before the colon of the header {}: write the colon directly after the name.",
    "folded-header": (
        "A header is continued on the next line ({}), which HTTP no longer allows: write the header on one line."
    ),
    "too-many-headers": "The request has too many headers ({}).",
    "head-too-long": "The headers are too long ({}): send the parameters in the body.",
    "head-cut": "The connection ended in the middle of the headers ({}): end them with an empty line.",
    "head-stalled": "The headers did not arrive completely in time ({}): end them with an empty line, CR LF CR LF.",
    "length-twice": "The length of the body is given twice ({}): send Content-Length once.",
    "length-and-chunks": "The body has a length and comes in chunks ({}): send Content-Length or Transfer-Encoding.",
    "length-missing": "The bytes after the headers were not read as a body ({}): send Content-Length, in bytes.",
    "length-not-a-number": "Content-Length is no number ({}): send the number of bytes of the body.",
    "length-too-small": (
        "More bytes follow the body than its Content-Length says ({}): it counts bytes, not characters, and a Chinese "
        "character has 3 bytes in UTF-8 and 2 in GBK."
    ),
    "rest-of-body": (
        "These bytes are probably the rest of the body of request {}, which was processed without them: see its "
        "findings too."
    ),
    "transfer-encoding": "The transfer encoding is not supported ({}): send Content-Length, or chunked.",
    "chunk": "The body is not correctly divided into chunks ({}): send Content-Length instead.",
    "trailers-too-long": "The trailers after the last chunk are too long ({}).",
    "overload": "Too many incomplete requests were being received ({}): try again.",
    # Incomplete bodies; {} are the bytes received and the bytes declared
    "body-cut": "The connection ended in the middle of the body (bytes: {}): Content-Length counts bytes.",
    "body-stalled": (
        "The rest of the body did not arrive in time (bytes: {}): Content-Length counts bytes, and is too large if the "
        "client has sent everything."
    ),
    "body-too-large": "The body is too large ({}): send fewer numbers per request.",
    # Requests that are valid HTTP; {} is the method
    "method": "The method is {}: use POST.",
    "shell-ampersand": (
        "The shell ends the command at an '&' outside quotes (before '{}'), so the rest is not sent: put the URL and "
        "the data in single quotes."
    ),
    "question-mark-missing": (
        "The URL has no '?', or an escaped one, between {} and its parameters: write {}?name=value, or better send the "
        "parameters in the body of a POST."
    ),
    "unknown-path": "{} is no endpoint of the vendor: use one of {}.",
    "fault": (
        "The fault '{}' was triggered and may have changed the response ({} left): remove the fault in the console or "
        "with the control API."
    ),
    "fault-unlimited": (
        "The fault '{}' was triggered and may have changed the response (without a limit): remove the fault in the "
        "console or with the control API."
    ),
    "cross-site": "A page of another site sent this request ({}): --allow-cross-site lets such requests in.",
}

MESSAGES: Final[Mapping[str, str]] = {
    f"{kind}.{code}": sentence
    for kind, sentences in (
        ("refusal", {code: text.en for code, text in EVIDENCE.items()}),
        ("signature", _SIGNATURE_MESSAGES),
        ("password", _PASSWORD_MESSAGES),
        ("text", _TEXT_MESSAGES),
        ("habit", _STYLE_MESSAGES),
        ("http", _HTTP_MESSAGES),
    )
    for code, sentence in sentences.items()
}

CODES: Final = tuple(MESSAGES)
"""Every finding code."""


_COUNTED_NOUN: Final = re.compile(r"( \w+)\(s\)")


def fill_in(message: str, values: Sequence[str]) -> str:
    """Replace the braces of a message by values, and write the noun behind each in the singular or plural.

    >>> fill_in("{} of {} number(s)", ["1", "1"]), fill_in("{} point(s)", ["{} point(s)"])
    ('1 of 1 number', '{} point(s) points')
    """
    first, *rest = message.split("{}")
    pieces = [first]
    for value, text in zip(values[: len(rest)], rest, strict=True):
        noun = _COUNTED_NOUN.match(text)
        pieces += value, text if noun is None else f"{noun[1]}{'' if value == '1' else 's'}{text[noun.end() :]}"
    return "".join(pieces)
