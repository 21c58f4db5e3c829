"""`find_code`: which digits of a text are the verification code, in Chinese and English."""

import pytest

from sms10692_mock import AmbiguousCode, find_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("【示例】您的验证码是1234，5分钟内有效。", "1234"),
        ("【示例】1234（登录验证码），请勿告知他人", "1234"),
        ("【12306】您的验证码为：204817。", "204817"),
        ("【示例】您的验证码为【204817】", "204817"),
        ("【示例】尾号8888的用户您的验证码是123456", "123456"),
        ("【示例】123456是您的验证码，尾号8888", "123456"),
        ("【示例】2026年11月30日，订单20261130号的取货密码与校验码 5566 一起使用", "5566"),
        ("【示例】您于12:30登录，动态密码:00001234，请勿告诉号码138****5678的人", "00001234"),
        ("【示例】您消费了5000元，验证码 8642,请在10分钟内输入", "8642"),
        ("【示例】余额1234.50，￥5000，短信码7788", "7788"),
        ("Your verification code is 204817. It expires in 10 minutes.", "204817"),
        ("204817 is your Example code for the account ending in 4321.", None),
        ("204817 is your Example code. Account ending in 4321.", "204817"),
        ("Use OTP 12345678 before 2026-11-30 12:30", "12345678"),
        ("pin:9999; order 123456", "9999"),
        ("OTP是4321，订单123456", "4321"),
        ("验证码已发送，请输入1234，1234", "1234"),
        ("code1234 ABC5678 1234X", ""),
        ("您的包裹已到达", ""),
        ("123 123456789 12 34", ""),
        ("【示例】您的验证码是１２３４５６", ""),
        ("Your code is 123 456.", ""),
        ("400-8888-9999 1.2345 1/2026 2026 年", ""),
        ("", ""),
    ],
)
def test_the_code_of_a_text(text: str, code: str | None) -> None:
    """None: several numbers could be the code; an empty text: there is none."""
    if code is None:
        with pytest.raises(AmbiguousCode, match="204817, 4321: each could be"):
            find_code(text)
    else:
        assert find_code(text) == (code or None)


def test_an_ambiguous_text_is_shown_with_its_numbers() -> None:
    with pytest.raises(AmbiguousCode) as raised:
        find_code("【示例】取件码 5566 或 7788")
    assert raised.value.numbers == ["5566", "7788"]
    assert str(raised.value) == "5566, 7788: each could be the verification code in '【示例】取件码 5566 或 7788'"
