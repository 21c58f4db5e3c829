from sms10692 import Client


def register(mobile, url, credentials):
    """The code under test: it sends a verification code to a new customer."""
    with Client(url, **credentials) as client:
        client.send([mobile], "【示例】您的验证码是 1234")
