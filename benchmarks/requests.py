"""Requests sent to the servers under test.

**Importing this module must not require the packages of the extra [bench]**: `make bench-deps` runs without them.
"""

from typing import Final
from urllib.parse import quote

from benchmarks.load import CREDENTIALS, Request

_SEND: Final = f"action=send&{CREDENTIALS}"
MANUAL_FORM: Final = f"{_SEND}&mobile=15023239810,13527576163&content={quote('内容')}&sendTime=&extno="
LONG_FORM: Final = (
    f"{_SEND}&mobile=15023239810&content={quote('【签名】您的验证码是 1234，请勿告诉他人。')}&sendTime=&extno="
)
SEND: Final = Request("/v2sms.aspx", MANUAL_FORM)
LONG_SEND: Final = Request("/v2sms.aspx", LONG_FORM)
