"""Tests of the suite's request forms: the emulator's parser reads the same parameters from every form."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sms10692_contract.checks.request_forms import (
    ANY_FORM,
    LONG,
    MultipartStyle,
    RequestForm,
    change_case,
    write_multipart,
)
from sms10692_contract.requests import GBK, UTF8, WireRequest, decode_chunked
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import Fields, parse_fields

PAIRS = [("userid", "12"), ("action", "send"), ("content", "a=b&c;d 内%25+"), ("sendTime", "")]
LABELS = {UTF8: "utf-8", GBK: "gb2312"}


def read(request: WireRequest) -> Fields:
    headers = {name.lower(): value for name, value in request.headers}
    body = decode_chunked(request.body) if "transfer-encoding" in headers else request.body
    query = request.target.partition(b"?")[2]
    return parse_fields(query, headers.get("content-type", ""), body, DECODERS[LABELS[request.endpoint]])


@settings(max_examples=300)
@given(st.sampled_from([UTF8, GBK]), ANY_FORM | LONG)
def test_every_form_has_the_same_parameters(endpoint: str, form: RequestForm) -> None:
    fields = read(form.build(endpoint, PAIRS))
    assert {name.lower(): value for name, value in PAIRS}.items() <= fields.items()


@settings(max_examples=100)
@given(ANY_FORM)
def test_the_safety_guard_sees_every_parameter_of_a_form(form: RequestForm) -> None:
    request = form.build(UTF8, PAIRS)
    assert set(read(request)) - {""} <= {name.lower() for name, _ in request.pairs} | {name for name, _ in form.strays}


def test_a_form_is_written_literally() -> None:
    form = RequestForm(
        upper=(True, False),
        in_query=(True, False),
        spellings=("full", "unicode", "raw"),
        extra=(("a1", "x", 0),),
        strays=(("", 0),),
        slashes=2,
        suffix="/x",
    )
    request = form.build(UTF8, [("extno", "123"), ("content", "内2;")])
    assert request.target == b"//v2sms.aspx/x?&ExTnO=%31%u00323"
    assert request.body == b"&%61%u0031=x&CoNtEnT=%E5%86%85%u0032;"


def test_multipart_is_written_literally() -> None:
    style = MultipartStyle(
        boundary="b", are_names_quoted=False, header_lines=("Content-Type: text/plain",), are_header_names_lower=True
    )
    head = b"content-disposition: form-data; name=content\r\nContent-Type: text/plain"
    expected = b"--b\r\n" + head + b"\r\n\r\n\xe5\x86\x85\r\n--b--\r\n"
    assert write_multipart([("content", "内")], "utf-8", style) == expected


def test_a_quoted_boundary_is_in_the_content_type() -> None:
    request = RequestForm(multipart=MultipartStyle("a b", is_boundary_quoted=True)).build(UTF8, PAIRS)
    assert ("Content-Type", 'multipart/form-data; boundary="a b"') in request.headers


def test_the_case_of_names_is_cycled() -> None:
    assert change_case("sendTime", (True, False, False)) == "SenDtiMe"
    assert change_case("sendTime", ()) == "sendTime"


def test_a_similar_name_that_is_no_token_is_quoted_also_among_bare_names() -> None:
    style = MultipartStyle(boundary="B", are_names_quoted=False)
    body = write_multipart([("userid", "12"), ("extno[]", "x")], "utf-8", style)
    assert b"name=userid\r\n" in body
    fields = parse_fields(b"", "multipart/form-data; boundary=B", body, DECODERS["utf-8"])
    assert fields == {"userid": "12", "extno[]": "x"}
