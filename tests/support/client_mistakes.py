"""Typical mistakes of clients in signatures and texts, with the finding code that each must lead to.

The signatures are computed with hashlib from the manual's account, independently of the diagnosis.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from urllib.parse import quote

from sms10692 import protocol, signing
from support.diagnosis import TIMESTAMP, md5

A, P, T, U = "test", "mima", TIMESTAMP, "12"
RIGHT = md5(A + P + T)
DIGEST = bytes.fromhex(RIGHT)
SIGNED_TIME = datetime(2012, 7, 1, 23, 12, 12, tzinfo=signing.CHINA)


def shift_timestamp(**amount: int) -> str:
    return signing.format_timestamp(SIGNED_TIME + timedelta(**amount))


SIGNS = {
    # Format of the digest
    "capital letters": ("upper-case", RIGHT.upper()),
    "one capital letter": ("upper-case", RIGHT.replace("c", "C", 1)),
    "BitConverter of .NET": ("hyphens", DIGEST.hex("-").upper()),
    "colons": ("hyphens", DIGEST.hex(":")),
    "sign sent twice": ("repeated", f"{RIGHT},{RIGHT}"),
    "a line feed behind the sign": ("wrapped", f"{RIGHT}\n"),
    "a space before the sign": ("wrapped", f" {RIGHT}"),
    "quotes around the sign": ("wrapped", f'"{RIGHT}"'),
    "printed bytes": ("wrapped", f"b'{RIGHT}'"),
    "middle 16 digits": ("sixteen-digits", RIGHT[8:24]),
    "middle 16 digits in capitals": ("sixteen-digits", RIGHT[8:24].upper()),
    "first 16 digits": ("sixteen-digits", RIGHT[:16]),
    "Base64 of the digest": ("base64", base64.b64encode(DIGEST).decode()),
    "Base64 without padding": ("base64", base64.b64encode(DIGEST).decode().rstrip("=")),
    "Base64 of the 32 digits": ("base64", base64.b64encode(RIGHT.encode()).decode()),
    "SHA-1": ("another-hash", hashlib.sha1((A + P + T).encode()).hexdigest()),
    "SHA-256": ("another-hash", hashlib.sha256((A + P + T).encode()).hexdigest()),
    "SHA-256 in capitals": ("another-hash", hashlib.sha256((A + P + T).encode()).hexdigest().upper()),
    "SHA-512": ("another-hash", hashlib.sha512((A + P + T).encode()).hexdigest()),
    "SHA-1 in Base64": (
        "another-hash",
        base64.b64encode(hashlib.sha1((A + P + T).encode()).digest()).decode(),
    ),
    "signed bytes of Java": ("signed-bytes", "".join(f"{b if b < 128 else b + 0xFFFFFF00:x}" for b in DIGEST)),
    "a decimal number": ("as-number", str(int(RIGHT, 16))),
    "truncated": ("not-32-digits", RIGHT[:-1] + "…"),
    "not a digest": ("not-32-digits", "sign"),
    # Wrong parts, wrong order
    "userid in place of the account": ("userid-for-account", md5(U + P + T)),
    "userid, timestamp, password": ("userid-for-account", md5(U + T + P)),
    "password, account": ("order", md5(P + A + T)),
    "account, timestamp, password": ("order", md5(A + T + P)),
    "password, timestamp, account": ("order", md5(P + T + A)),
    "timestamp, account, password": ("order", md5(T + A + P)),
    "timestamp, password, account": ("order", md5(T + P + A)),
    "with the userid": ("userid-too", md5(U + A + P + T)),
    "userid at the end": ("userid-too", md5(A + P + T + U)),
    "no account": ("no-account", md5(P + T)),
    "no password": ("no-password", md5(A + T)),
    "only the password": ("no-timestamp", md5(P)),
    "no timestamp": ("no-timestamp", md5(A + P)),
    "userid and password": ("no-timestamp", md5(U + P)),
    "empty text": ("nothing-signed", md5("")),
    # Separators and labels
    **{f"separated by {sign!r}": ("separators", md5(sign.join((A, P, T)))) for sign in ",+&:|-_ ;/"},
    "commas in another order": ("separators", md5(f"{P},{A},{T}")),
    "commas and the userid": ("separators", md5(f"{U},{P},{T}")),
    "one colon": ("separators", md5(f"{A}:{P}{T}")),
    "form-encoded": ("labels", md5(f"account={A}&password={P}&timestamp={T}")),
    "form-encoded with the userid": ("labels", md5(f"userid={U}&password={P}&timestamp={T}")),
    "form-encoded and sorted": ("labels", md5(f"password={P}&timestamp={T}&username={A}")),
    "braces": ("quotes", md5(f"{{{A}}}{{{P}}}{{{T}}}")),
    "variable names not replaced": ("names-signed", md5("$account$password$timestamp")),
    # Parts hashed first, or hashed twice
    "MD5 of the password": ("hashed-password", md5(A + md5(P) + T)),
    "MD5 of the password in capitals": ("hashed-password", md5(A + md5(P).upper() + T)),
    "MD5 of the password with the userid": ("hashed-password", md5(U + md5(P) + T)),
    "16 digits of the password's MD5": ("hashed-password", md5(A + md5(P)[8:24] + T)),
    "MD5 of everything twice": ("hashed-twice", md5(RIGHT)),
    "MD5 of everything twice in capitals": ("hashed-twice", md5(RIGHT.upper())),
    "MD5 of the digest's bytes": ("hashed-twice", md5(DIGEST)),
    "MD5 of everything in another order twice": ("hashed-twice", md5(md5(P + A + T))),
    "MD5 of each part": ("hashed-parts", md5(md5(A) + md5(P) + md5(T))),
    "MD5 of account and password": ("hashed-parts", md5(md5(A + P) + T)),
    "HMAC with the password as key": ("hmac", hmac.new(P.encode(), (A + T).encode(), "md5").hexdigest()),
    "HMAC of all three parts": ("hmac", hmac.new(P.encode(), (A + P + T).encode(), "md5").hexdigest()),
    "HMAC with the userid": ("hmac", hmac.new(P.encode(), (U + T).encode(), "md5").hexdigest()),
    "MD5 of the timestamp": ("hashed-parts", md5(A + P + md5(T))),
    # Invisible characters
    "a line feed at the end": ("line-end", md5(f"{A}{P}{T}\n")),
    "a line feed behind the password": ("line-end", md5(f"{A}{P}\n{T}")),
    "CR LF behind the account": ("line-end", md5(f"{A}\r\n{P}{T}")),
    "a line feed behind each": ("line-end", md5(f"{A}\n{P}\n{T}\n")),
    "a space at the end": ("white-space", md5(f"{A}{P}{T} ")),
    "a space before the password": ("separators", md5(f"{A} {P}{T}")),
    "a no-break space behind the password": ("white-space", md5(f"{A}{P}\u00a0{T}")),
    "a byte order mark before all": ("byte-order-mark", md5(f"\ufeff{A}{P}{T}")),
    "a byte order mark before the password": ("byte-order-mark", md5(f"{A}\ufeff{P}{T}")),
    "a NUL at the end": ("nul", md5(f"{A}{P}{T}\0")),
    # Encoded or converted
    "UTF-16 little-endian": ("utf-16", md5((A + P + T).encode("utf-16-le"))),
    "UTF-16 big-endian": ("utf-16", md5((A + P + T).encode("utf-16-be"))),
    "UTF-32": ("utf-32", md5((A + P + T).encode("utf-32-le"))),
    "the whole text in Base64": ("base64-part", md5(base64.b64encode((A + P + T).encode()))),
    "the password in Base64": ("base64-part", md5(A + base64.b64encode(P.encode()).decode() + T)),
    "account in capitals": ("letter-case", md5(A.upper() + P + T)),
    "capitalised password": ("letter-case", md5(A + P.capitalize() + T)),
    "all in capitals": ("letter-case", md5((A + P).upper() + T)),
    "separated, then percent-encoded": ("url-encoded", md5(quote(f"{A}&{P}&{T}", safe=""))),
    # Additional parameters
    "with content": ("too-much", md5(f"{A}{P}{T}内容")),
    "content first": ("too-much", md5(f"内容{A}{P}{T}")),
    "with mobile": ("too-much", md5(f"{A}{P}{T}15023239810,13527576163")),
    "with action": ("too-much", md5(f"send{A}{P}{T}")),
    # Wrong timestamp
    "timestamp with separators": ("timestamp-separators", md5(f"{A}{P}2012-07-01 23:12:12")),
    "timestamp with slashes": ("timestamp-separators", md5(f"{A}{P}2012/07/01 23:12:12")),
    "timestamp in the format of .NET": ("timestamp-separators", md5(f"{A}{P}2012/7/1 23:12:12")),
    "timestamp without seconds": ("timestamp-separators", md5(f"{A}{P}2012-07-01 23:12")),
    "ISO 8601": ("timestamp-separators", md5(f"{A}{P}2012-07-01T23:12:12+08:00")),
    "timestamp in the format of Java": ("timestamp-separators", md5(f"{A}{P}Sun Jul 01 23:12:12 CST 2012")),
    "timestamp of 12 digits": ("timestamp-short", md5(f"{A}{P}201207012312")),
    "only the date": ("timestamp-short", md5(f"{A}{P}20120701")),
    "Unix seconds": ("timestamp-unix", md5(f"{A}{P}1341155532")),
    "Unix milliseconds": ("timestamp-unix", md5(f"{A}{P}1341155532000")),
    "Unix milliseconds of the same second": ("timestamp-unix", md5(f"{A}{P}1341155532987")),
    "timestamp with milliseconds": ("timestamp-milliseconds", md5(f"{A}{P}{T}123")),
    "12-hour clock": ("timestamp-twelve-hour", md5(f"{A}{P}20120701111212")),
    "minutes in place of the month": ("timestamp-letters", md5(f"{A}{P}20121201231212")),
    "the month in place of minutes": ("timestamp-letters", md5(f"{A}{P}20120701230712")),
    "months from zero": ("timestamp-letters", md5(f"{A}{P}20120601231212")),
    **{f"{n} s off": ("seconds-off", md5(A + P + shift_timestamp(seconds=n))) for n in (*range(-5, 0), *range(1, 6))},
    "a minute off": ("minutes-off", md5(A + P + shift_timestamp(minutes=-1))),
    "2 min 3 s off": ("minutes-off", md5(A + P + shift_timestamp(seconds=123))),
    "time in UTC": ("timestamp-utc", md5(A + P + shift_timestamp(hours=-8))),
    "time in Japan": ("timestamp-zone", md5(A + P + shift_timestamp(hours=1))),
    # Wrong account
    "password of another account": ("another-password", md5(f"{A}geheim-shop{T}")),
    "password of another account, in Chinese": ("another-password", md5(f"{A}geheim-店铺{T}")),
    "name of another account": ("another-name", md5(f"shop{P}{T}")),
    "another account": ("another-account", md5(f"shopgeheim-shop{T}")),
    # No known mistake
    "a typing mistake": ("unexplained", md5(f"{A}mina{T}")),
}

UTF8, GBK = protocol.V2SMS, protocol.V2SMS_GBK
INTENDED = "您好，您的验证码是1234。"


def misdecode(charset: str, text: str = INTENDED) -> bytes:
    """Decode UTF-8 with another charset and encode the result in UTF-8 again."""
    return text.encode().decode(charset).encode()


TEXTS = {
    "GBK on the UTF-8 endpoint": (UTF8, INTENDED.encode("gbk"), "gbk-on-the-utf-8-page", INTENDED),
    "two characters of GBK on the UTF-8 endpoint": (UTF8, "内容".encode("gbk"), "gbk-on-the-utf-8-page", "内容"),
    "GBK with a euro sign on the UTF-8 endpoint": (UTF8, "十\x80".encode("gbk", "replace").replace(b"?", b"\x80"),
                                          "gbk-on-the-utf-8-page", "十€"),
    "an emoji of UTF-8 within GBK": (GBK, "下单成功".encode("gbk") + "😀".encode(), "emoji-read-as-gbk", "下单成功😀"),
    "an emoji of UTF-8 read as GBK": (UTF8, "下单成功馃榾".encode(), "emoji-read-as-gbk", "下单成功😀"),
    "hexadecimal UCS-2": (UTF8, INTENDED.encode("utf-16-be").hex().encode(), "hexadecimal", INTENDED),
    "hexadecimal UTF-8 in capitals": (GBK, INTENDED.encode().hex().upper().encode(), "hexadecimal", INTENDED),
    "hexadecimal GBK": (UTF8, INTENDED.encode("gbk").hex().encode(), "hexadecimal", INTENDED),
    "UTF-8 on the GBK endpoint": (GBK, INTENDED.encode(), "utf-8-on-the-gbk-page", INTENDED),
    "two characters of UTF-8 on the GBK endpoint": (GBK, "内容".encode(), "utf-8-on-the-gbk-page", "内容"),
    "UTF-8 that is also valid GBK": (GBK, "你好".encode(), "utf-8-on-the-gbk-page", "你好"),
    "an emoji in UTF-8 on the GBK endpoint": (GBK, "好😀的".encode(), "utf-8-on-the-gbk-page", "好😀的"),
    "GB18030 on the GBK endpoint": (GBK, "好😀的".encode("gb18030"), "gb18030-on-the-gbk-page", "好😀的"),
    "UTF-16 with a mark": (UTF8, INTENDED.encode("utf-16"), "utf-16", INTENDED),
    "UTF-16 without a mark": (UTF8, INTENDED.encode("utf-16-le"), "utf-16", INTENDED),
    "ASCII in UTF-16": (UTF8, "Hello".encode("utf-16-be"), "utf-16", "Hello"),
    "Latin-1": (UTF8, "Café à la carte".encode("latin-1"), "latin-1", "Café à la carte"),
    "truncated": (UTF8, INTENDED.encode()[:-1], "cut", INTENDED[:-1] + "□"),
    "truncated on the GBK endpoint": (GBK, INTENDED.encode("gbk")[:-1], "cut", INTENDED[:-1] + "□"),
    "truncated UTF-8 on the GBK endpoint": (GBK, INTENDED.encode()[:-1], "utf-8-on-the-gbk-page", INTENDED[:-1] + "□"),
    "no text at all": (UTF8, b"\xff\xff\xff12", "undecodable", "□□□12"),
    "read as Latin-1": (UTF8, misdecode("latin-1"), "utf-8-read-as-latin-1", INTENDED),
    "read as Windows-1252": (UTF8, "å†…å®¹".encode(), "utf-8-read-as-windows-1252", "内容"),
    "accents read as Latin-1": (UTF8, misdecode("latin-1", "Café"), "utf-8-read-as-latin-1", "Café"),
    "read as GBK": (UTF8, misdecode("gbk", "您好，验证码"), "utf-8-read-as-gbk", "您好，验证码"),
    "read as GBK with a lost character": (UTF8, "鎮ㄥソ锛?1234".encode(), "utf-8-read-as-gbk", "您好□1234"),
    "GBK read as Latin-1": (UTF8, INTENDED.encode("gbk").decode("latin-1").encode(), "gbk-read-as-latin-1", INTENDED),
    "percent-encoded twice": (UTF8, quote(INTENDED, safe="").encode(), "percent-encoded-twice", INTENDED),
    "GBK percent-encoded twice": (GBK, quote(INTENDED, safe="", encoding="gbk").encode(),
                                  "percent-encoded-twice", INTENDED),
    "English percent-encoded twice": (UTF8, b"Hello%2C%20you", "percent-encoded-twice", "Hello, you"),
    "escape() of JavaScript twice": (UTF8, b"%u5185%u5bb9 1", "percent-encoded-twice", "内容 1"),
    "a byte order mark": (UTF8, b"\xef\xbb\xbf" + INTENDED.encode(), "byte-order-mark", INTENDED),
    "printed bytes": (UTF8, str("内容".encode()).encode(), "bytes-literal", "内容"),
    "Base64": (UTF8, base64.b64encode(INTENDED.encode()), "base64", INTENDED),
    "escapes": (UTF8, rb"\u5185\u5bb9 \ud83d\ude00", "escapes", "内容 😀"),
    "decimal references": (UTF8, b"&#20013;&#25991;", "entities", "中文"),
    "hexadecimal references": (UTF8, b"&#x4E2D;&#x6587;", "entities", "中文"),
    "named entities": (UTF8, "A&amp;B &lt;内容&gt;".encode(), "entities", "A&B <内容>"),
    "a NUL": (UTF8, "内容\0".encode(), "unseen-characters", "内容"),
    "a bell": (UTF8, "内\a容".encode(), "unseen-characters", "内容"),
    "a zero-width space": (UTF8, "内\u200b容".encode(), "unseen-characters", "内容"),
    "U+FFFD": (UTF8, "内\ufffd，1234".encode(), "replacement-characters", "内□，1234"),
    "U+FFFD read as GBK": (UTF8, "锟斤拷容".encode(), "replacement-characters", "□□容"),
    "only question marks": (UTF8, b"??", "question-marks", "□□"),
    "question marks before digits": (UTF8, b"????????1234?", "question-marks", "□□□□□□□□1234?"),
    "question marks in brackets": (UTF8, b"[??] code 1234", "question-marks", "[□□] code 1234"),
    "question marks on the GBK endpoint": (GBK, b"?????1234???", "question-marks", "□□□□□1234□□□"),
}  # fmt: skip
