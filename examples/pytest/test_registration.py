import pytest
from registration import register
from sms10692 import SmsError


def test_a_new_customer_gets_a_code(sms_vendor):
    register("15023239810", sms_vendor.url, sms_vendor.credentials)
    assert sms_vendor.wait_code("15023239810") == "1234"
    sms_vendor.assert_no_findings()
    sms_vendor.assert_nothing_sent()  # nothing else


def test_an_outage_of_the_vendor_is_an_error(sms_vendor):
    sms_vendor.fault("disconnect")
    with pytest.raises(SmsError):
        register("15023239810", sms_vendor.url, sms_vendor.credentials)
    sms_vendor.assert_nothing_sent()
