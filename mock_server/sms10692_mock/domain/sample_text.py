"""Sample texts: what the example command and the code snippets send, so that a profile accepts it."""

from typing import Final

from sms10692_mock.domain.profiles import Profile

_SIGNATURE: Final = "签名"


def build_sample_text(profile: Profile, text: str, *, is_signed: bool = False) -> str:
    """Return the text with a 【signature】 if `is_signed` or the profile demands one, where and as long as it demands.

    >>> from sms10692_mock.domain.profiles import MANUAL
    >>> build_sample_text(MANUAL, "内容"), build_sample_text(MANUAL, "内容", is_signed=True)
    ('内容', '【签名】内容')
    """
    if profile.text_signature == "optional" and not is_signed:
        return text
    length = max(len(_SIGNATURE), profile.text_signature_min or 0)
    if profile.text_signature_max is not None:
        length = min(length, profile.text_signature_max)
    signature = f"【{(_SIGNATURE * length)[:length]}】"
    return f"{text}{signature}" if profile.text_signature == "end" else f"{signature}{text}"
