"""The readings of `fixtures/readings.md`: one or more tests per number.

Behaviour that the manual states is covered by the exchanges.
"""

import pytest

from support.emulators import (
    CREDENTIALS,
    GBK,
    MANUAL_TIME,
    STATUS,
    UTF8,
    WsgiHarness,
    emulator_server,
    get_message,
    sign,
)
from support.flask_emulator import FlaskEmulator
from support.http_client import build_request, send_raw

EMPTY = "用户名或密码不能为空"
SQL = "发送内容包含sql注入字符"
WRONG = "用户名或密码错误"
NO_MOBILE = "短信号码不能为空"
NO_CONTENT = "短信内容不能为空"
FORBIDDEN = "包含非法字符："
TOO_MUCH = "对不起，您当前要发送的量大于您当前余额"
OTHER = "其他错误"


# R1


def test_r1_send_is_checked_in_the_order_of_the_readings() -> None:
    """Start with a request in which everything is wrong, and correct one error per step."""
    emulator = WsgiHarness(accounts=["12:test:mima:0"])
    wrong = {"sign": "", "content": "' or 发票", "mobile": ",", "extno": "x"}
    steps: list[tuple[str, dict[str, str]]] = [
        (EMPTY, {"sign": "0"}),
        (SQL, {"content": ""}),
        (WRONG, {"sign": CREDENTIALS["sign"]}),
        (NO_MOBILE, {"mobile": "15023239810"}),
        (NO_CONTENT, {"content": "发票"}),
        (FORBIDDEN, {"content": "内容"}),
        (OTHER, {"extno": ""}),
    ]
    for refusal, correction in steps:
        assert get_message(emulator.send(**wrong)) == refusal
        wrong |= correction
    assert get_message(emulator.send(**wrong)) == TOO_MUCH


@pytest.mark.parametrize("page", ["status", "call"])
def test_r1_queue_requests_are_checked_in_the_order_of_the_error_numbers(page: str) -> None:
    allowed, not_allowed = WsgiHarness(), WsgiHarness(deny_queues=["12"])
    fetch, fetch_not_allowed = getattr(allowed, page), getattr(not_allowed, page)
    assert get_message(fetch_not_allowed(sign="", action="x")) == EMPTY
    assert get_message(fetch_not_allowed(sign="0", action="x")) == WRONG
    assert get_message(fetch_not_allowed(action="x")) == "该用户不允许查看状态报告"
    assert get_message(fetch(action="x")) == "参数不正确"


# R2


@pytest.mark.parametrize("name", ["userid", "timestamp", "sign"])
@pytest.mark.parametrize("value", ["", " ", "\t\r\n", "\u3000"])
def test_r2_a_blank_credential_counts_as_empty(name: str, value: str) -> None:
    assert get_message(WsgiHarness().post(UTF8, action="overage", **{name: value})) == EMPTY


@pytest.mark.parametrize("name", ["userid", "timestamp", "sign"])
def test_r2_a_missing_credential_counts_as_empty(name: str) -> None:
    form = "&".join(f"{key}={value}" for key, value in CREDENTIALS.items() if key != name)
    response = WsgiHarness().send_raw(build_request(UTF8, f"action=overage&{form}".encode()))
    assert get_message(response.body.decode()) == EMPTY


@pytest.mark.parametrize(
    "credential",
    [
        {"userid": "13"},
        {"userid": "012"},
        {"userid": " 12"},
        {"timestamp": "20120701231213"},
        {"sign": CREDENTIALS["sign"].upper()},
        {"sign": CREDENTIALS["sign"][:16]},
        {"sign": CREDENTIALS["sign"] + " "},
        {"sign": sign("mima", "test", "20120701231212")},
    ],
    ids=str,
)
def test_r2_any_other_userid_or_signature_is_wrong(credential: dict[str, str]) -> None:
    assert get_message(WsgiHarness().post(UTF8, action="overage", **credential)) == WRONG


# R3


@pytest.mark.parametrize("timestamp", ["1", "1341155532123", "2012-07-01 23:12:12", "昨天", "0" * 1000])
def test_r3_any_text_is_accepted_as_timestamp_if_the_signature_matches(timestamp: str) -> None:
    emulator = WsgiHarness()
    assert "Sucess" in emulator.post(UTF8, action="overage", timestamp=timestamp, sign=sign("test", "mima", timestamp))


@pytest.mark.parametrize(
    ("timestamp", "accepted"),
    [
        ("20111202221211", True),
        ("20111202221311", True),
        ("20111202221111", True),
        ("20111202221312", False),
        ("20111202221110", False),
        ("20111202101211", False),
        ("1322835131", False),
        ("２０１１１２０２２２１２１１", False),
        ("20111302221211", False),
    ],
)
def test_r3_with_max_clock_skew_a_timestamp_must_be_close(timestamp: str, accepted: bool) -> None:
    emulator = WsgiHarness(profile="max_clock_skew = 60")
    response = emulator.post(UTF8, action="overage", timestamp=timestamp, sign=sign("test", "mima", timestamp))
    assert ("Sucess" in response, get_message(response)) == ((True, "") if accepted else (False, WRONG))


# R4: the exchanges q14-* sign a Chinese account on both pages


def test_r4_an_account_name_outside_gbk_is_signed_in_utf_8_only() -> None:
    emulator = WsgiHarness(accounts=["7:😀:mima"])
    right = {"userid": "7", "sign": sign("😀", "mima", "20120701231212")}
    assert "Sucess" in emulator.post(GBK, action="overage", **right)
    assert get_message(emulator.post(GBK, action="overage", userid="7", sign="0")) == WRONG


# R5


def test_r5_numbers_are_split_at_ascii_commas_and_trimmed() -> None:
    emulator = WsgiHarness()
    assert "<successCounts>2<" in emulator.send(" 15023239810 ,, ,\t13527576163,")
    assert emulator.status().count("<statusbox>") == 2
    assert "<successCounts>1<" in emulator.send("15023239810，13527576163")


@pytest.mark.parametrize("mobile", ["", " ", ",", " , ,,"])
def test_r5_only_commas_and_spaces_count_as_empty(mobile: str) -> None:
    assert get_message(WsgiHarness().send(mobile)) == NO_MOBILE


@pytest.mark.parametrize(
    "number", ["10086", "25023239810", "150232398100", "+8615023239810", "1502323981x", "１５０２３２３９８１０"]
)
def test_r5_an_invalid_number_is_charged_and_reported_undelivered(number: str) -> None:
    emulator = WsgiHarness()
    assert "<remainpoint>999<" in emulator.send(number)
    report = emulator.status()
    assert f"<mobile>{number}</mobile>" in report
    assert "<status>20<" in report
    assert "<errorcode>UNDELIV<" in report


def test_r5_a_number_given_twice_counts_twice() -> None:
    emulator = WsgiHarness()
    assert "<successCounts>2<" in emulator.send("15023239810,15023239810")
    assert emulator.status().count("<mobile>15023239810<") == 2


def test_r5_one_request_may_have_50_000_numbers() -> None:
    numbers = [str(13000000000 + index) for index in range(50_000)]
    with emulator_server({"accounts": ["12:test:mima:50000"]}) as address:
        form = f"action=send&userid=12&timestamp=20120701231212&sign={CREDENTIALS['sign']}&content=x&mobile="
        sent = send_raw(address, build_request(UTF8, (form + ",".join(numbers)).encode())).body.decode()
        assert "<successCounts>50000<" in sent
        assert "<remainpoint>0<" in sent
        form = f"action=query&userid=12&timestamp=20120701231212&sign={CREDENTIALS['sign']}&statusNum=50000"
        reports = send_raw(address, build_request(STATUS, form.encode())).body.decode()
        assert [box.partition("<")[0] for box in reports.split("<mobile>")[1:]] == numbers


# R6


@pytest.mark.parametrize(
    ("content", "segments"),
    [("字" * 70, 1), ("字" * 71, 2), ("字" * 134, 2), ("字" * 135, 3), ("x" * 71, 2), ("😀" * 35, 1), ("😀" * 36, 2)],
    ids=lambda value: f"{len(value)} characters" if isinstance(value, str) else None,
)
def test_r6_a_send_costs_its_segments_times_its_numbers(content: str, segments: int) -> None:
    emulator = WsgiHarness()
    assert f"<remainpoint>{1000 - 3 * segments}<" in emulator.send("13000000001,13000000002,13000000003", content)
    by_number = WsgiHarness(profile='billing = "recipient"')
    assert "<remainpoint>997<" in by_number.send("13000000001,13000000002,13000000003", content)


def test_r6_a_cost_above_the_balance_refuses_the_whole_send_without_charge() -> None:
    emulator = WsgiHarness(accounts=["12:test:mima:2"])
    assert get_message(emulator.send("13000000001,13000000002,13000000003")) == TOO_MUCH
    assert emulator.balance() == 2
    assert emulator.status().endswith("<returnsms></returnsms>")
    assert "<remainpoint>0<" in emulator.send("13000000001,13000000002")
    assert get_message(emulator.send("13000000001")) == TOO_MUCH


def test_r6_a_postpaid_balance_may_become_negative() -> None:
    emulator = WsgiHarness(accounts=["12:test:mima:5"], postpaid=["12"])
    assert "<remainpoint>-2<" in emulator.send("13000000001,13000000002")
    assert emulator.post(UTF8, action="overage").endswith(
        "<payinfo>后付费</payinfo>\n <overage>-2</overage>\n <sendTotal>0</sendTotal></returnsms>"
    )


def test_r6_a_postpaid_balance_has_a_minimum() -> None:
    emulator = FlaskEmulator(postpaid=["12"])
    credentials = {"userid": "12", "account": "test", "password": "mima"}
    emulator.control("PATCH", "accounts/12", {"points": 1 - 10**15})
    assert f"<remainpoint>-{10**15}<" in emulator.send(credentials)
    assert get_message(emulator.send(credentials)) == TOO_MUCH


def test_r6_send_total_is_the_sum_of_all_points_added() -> None:
    emulator = WsgiHarness()
    emulator.send()
    assert "<overage>999</overage>\n <sendTotal>1000</sendTotal>" in emulator.post(UTF8, action="overage")


# R7


def test_r7_task_numbers_increase_over_all_accounts() -> None:
    emulator = WsgiHarness(accounts=["7:other:secret"])
    other = {"userid": "7", "sign": sign("other", "secret", "20120701231212")}
    responses = [emulator.send(), emulator.send(**other), emulator.send("13000000000," * 2000), emulator.send()]
    tasks = [int(response.partition("<taskID>")[2].partition("<")[0]) for response in responses]
    assert tasks[:2] == [100001, 100002]
    assert tasks[2] == 0
    assert tasks[3] > 100002


# R8


@pytest.mark.parametrize(
    "content",
    [
        "' or 1=1",
        "x'AND y",
        "a'--",
        "';",
        "1 UNION  SELECT 2",
        "x;drop table t",
        ";Delete",
        ";insert",
        ";update",
        "exec(1)",
        "xp_cmdshell",
        "请UNION select你",
    ],
)
def test_r8_an_injection_is_refused(content: str) -> None:
    assert get_message(WsgiHarness().send(content=content)) == SQL


@pytest.mark.parametrize(
    "content",
    [
        "Please select a seat",
        "update: the union will select",
        "it's ours",
        "'order'",
        "drop in; update later",
        "exp_date",
        "executive",
    ],
)
def test_r8_an_ordinary_sentence_is_sent(content: str) -> None:
    assert get_message(WsgiHarness().send(content=content)) == "ok"


@pytest.mark.parametrize("length", [0, 65_530, 70_000, 131_066, 140_000, 200_000])
def test_r8_an_injection_is_found_anywhere_in_a_long_text(length: int) -> None:
    assert get_message(WsgiHarness().send(content="字" * length + "' or 1=1")) == SQL


@pytest.mark.parametrize("word", ["发票", "办证", "赌博", "六合彩", "枪支"])
def test_r8_a_default_word_is_forbidden_anywhere_in_a_text(word: str) -> None:
    emulator = WsgiHarness()
    assert get_message(emulator.send(content=f"代开{word}了")) == FORBIDDEN
    assert get_message(emulator.post(UTF8, action="checkkeyword", content=f"代开{word}了")) == "包含非法字符"


def test_r8_configured_words_replace_the_default_words() -> None:
    emulator = WsgiHarness(keywords=["Casino"])
    assert get_message(emulator.send(content="发票")) == "ok"
    assert get_message(emulator.send(content="the CASINOs")) == FORBIDDEN


def test_r8_an_empty_text_contains_no_forbidden_word() -> None:
    assert get_message(WsgiHarness().post(UTF8, action="checkkeyword", content="")) == "没有包含屏蔽词"


# R9


@pytest.mark.parametrize("extno", ["", " ", "0", "0123456789"])
def test_r9_an_extno_is_blank_or_up_to_ten_digits(extno: str) -> None:
    emulator = WsgiHarness()
    assert get_message(emulator.send(extno=extno)) == "ok"
    assert f"<extno>{extno.strip()}</extno>" in emulator.status()


@pytest.mark.parametrize("extno", ["01234567890", "1a", "-1", "１", " 1", "1\n"])
def test_r9_any_other_extno_is_refused(extno: str) -> None:
    assert get_message(WsgiHarness().send(extno=extno)) == OTHER


@pytest.mark.parametrize("send_time", ["", " ", "2011-12-02 22:12:10", "2010-10-24 09:08:10", "0001-01-01 00:00:00"])
def test_r9_a_blank_or_past_send_time_means_now(send_time: str) -> None:
    emulator = WsgiHarness()
    assert get_message(emulator.send(sendTime=send_time)) == "ok"
    assert "<receivetime>2011-12-02 22:12:11<" in emulator.status()


@pytest.mark.parametrize(
    "send_time",
    [
        "2011-02-30 09:08:10",
        "2010-10-24",
        "2010-10-24T09:08:10",
        "20101024090810",
        "2010-1-4 9:08:10",
        "2010-10-24 24:00:00",
        "0000-01-01 00:00:00",
        "明天",
    ],
)
def test_r9_any_other_send_time_is_refused(send_time: str) -> None:
    assert get_message(WsgiHarness().send(sendTime=send_time)) == OTHER


def test_r9_a_later_send_is_charged_at_once_and_reported_after_its_time() -> None:
    emulator = WsgiHarness()
    assert "<remainpoint>999<" in emulator.send(sendTime="2011-12-03 00:00:00")
    assert emulator.balance() == 999
    emulator.now += 6468
    assert "statusbox" not in emulator.status()
    emulator.now += 1
    assert "<receivetime>2011-12-03 00:00:00<" in emulator.status()


def test_r9_the_delay_of_reports_is_counted_from_the_send_time() -> None:
    emulator = WsgiHarness(report_delay=60.0)
    emulator.send(sendTime="2011-12-02 22:12:41")
    emulator.now += 89
    assert "statusbox" not in emulator.status()
    emulator.now += 1
    assert "<receivetime>2011-12-02 22:13:41<" in emulator.status()


def test_r9_the_last_possible_send_time_is_accepted() -> None:
    emulator = WsgiHarness(report_delay=10.0)
    assert get_message(emulator.send(sendTime="9999-12-31 23:59:59")) == "ok"
    assert "statusbox" not in emulator.status()


# R10


def test_r10_a_blank_status_num_is_4000() -> None:
    emulator = WsgiHarness(accounts=["12:test:mima:9000"])
    emulator.send(",".join(str(13000000000 + index) for index in range(8001)))
    counts = [emulator.status(statusNum=status_num).count("<statusbox>") for status_num in ("", " ", "")]
    assert counts == [4000, 4000, 1]


@pytest.mark.parametrize("status_num", ["1", "0002", "4001", "9" * 5000])
def test_r10_status_num_is_any_whole_number_from_one(status_num: str) -> None:
    emulator = WsgiHarness()
    emulator.send("13000000001,13000000002,13000000003")
    assert emulator.status(statusNum=status_num).count("<statusbox>") == min(int(status_num[:9]), 3)


@pytest.mark.parametrize("status_num", ["0", "000", "-1", "1.5", "x", "１", "1,2", "+1", "1 "])
def test_r10_any_other_status_num_is_refused_and_fetches_nothing(status_num: str) -> None:
    emulator = WsgiHarness()
    emulator.send()
    assert get_message(emulator.status(statusNum=status_num)) == "参数不正确"
    assert emulator.status().count("<statusbox>") == 1


def test_r10_call_fetches_all_due_replies() -> None:
    emulator = WsgiHarness()
    emulator.send("10000000030," * 3)
    assert emulator.call(statusNum="1").count("<callbox>") == 3


def test_r10_reports_are_fetched_in_the_order_of_their_due_times() -> None:
    emulator = WsgiHarness()
    emulator.send("10000000023,13000000001")
    emulator.now += 29
    emulator.send("13000000002")
    emulator.now += 2
    emulator.send("13000000003")
    order = [box.partition("<")[0] for box in emulator.status().split("<mobile>")[1:]]
    assert order == ["13000000001", "13000000002", "10000000023", "13000000003"]


@pytest.mark.parametrize("action", ["", "Send", "send ", "query", "send,send"])
def test_r10_an_unknown_action_is_refused_after_the_credentials(action: str) -> None:
    emulator = WsgiHarness()
    assert get_message(emulator.post(UTF8, action=action, sign="")) == EMPTY
    assert get_message(emulator.post(UTF8, action=action, sign="0")) == WRONG
    assert emulator.post(UTF8, action=action).endswith(
        "<returnsms>\n <returnstatus>Faild</returnstatus>\n <message>其他错误</message>\n <remainpoint>0</remainpoint>"
        "\n <taskID>0</taskID>\n <successCounts>0</successCounts></returnsms>"
    )


# R11; two fetches at the same moment: test_stores


@pytest.mark.parametrize("wrong", [{"sign": ""}, {"sign": "0"}, {"action": "send"}, {"statusNum": "0"}], ids=str)
def test_r11_a_refused_fetch_fetches_nothing(wrong: dict[str, str]) -> None:
    emulator = WsgiHarness()
    emulator.send("10000000030")
    assert "statusbox" not in emulator.status(**wrong)
    assert emulator.status().count("<statusbox>") == 1
    assert emulator.status().endswith("<returnsms></returnsms>")


def test_r11_a_head_request_is_a_fetch_like_any_other() -> None:
    emulator = WsgiHarness()
    emulator.send()
    query = "&".join(f"{name}={value}" for name, value in CREDENTIALS.items())
    response = emulator.send_raw(f"HEAD {STATUS}?action=query&{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (response.status, response.body) == (200, b"")
    assert "statusbox" not in emulator.status()


# R12


def test_r12_receivetime_is_china_standard_time() -> None:
    emulator = WsgiHarness(report_delay=3600.0)
    assert MANUAL_TIME == 1322835131.0  # 2011-12-02 14:12:11 UTC
    emulator.send()
    emulator.now += 7200
    assert "<receivetime>2011-12-02 23:12:11<" in emulator.status()


@pytest.mark.parametrize(
    ("now", "receivetime"),
    [(-86400.0, "1970-01-01 08:00:00"), (1e12, "9000-01-01 08:00:00"), (0.0, "1970-01-01 08:00:00")],
)
def test_r12_times_are_clamped_to_1970_to_9000(now: float, receivetime: str) -> None:
    emulator = WsgiHarness()
    emulator.now = now
    emulator.send()
    assert f"<receivetime>{receivetime}<" in emulator.status()


# R13


@pytest.mark.parametrize(
    ("index", "refusal"),
    list(enumerate([EMPTY, SQL, WRONG, NO_MOBILE, NO_CONTENT, FORBIDDEN, TOO_MUCH, OTHER], start=1)),
)
def test_r13_eight_numbers_trigger_a_refusal(index: int, refusal: str) -> None:
    emulator = WsgiHarness()
    assert get_message(emulator.send(f"15023239810,1000000000{index},10000000008")) == refusal
    assert emulator.balance() == 1000
    assert "statusbox" not in emulator.status()


def test_r13_a_refusing_number_is_evaluated_before_the_balance() -> None:
    emulator = WsgiHarness(accounts=["12:test:mima:0"])
    assert get_message(emulator.send("10000000006")) == FORBIDDEN
    assert get_message(emulator.send("10000000006", extno="x")) == OTHER


@pytest.mark.parametrize(
    ("number", "status", "errorcode"), [("10000000020", "20", "UNDELIV"), ("10000000021", "20", "MK:0011")]
)
def test_r13_two_numbers_are_reported_undelivered(number: str, status: str, errorcode: str) -> None:
    emulator = WsgiHarness()
    emulator.send(number)
    report = emulator.status()
    assert f"<status>{status}</status>" in report
    assert f"<errorcode>{errorcode}</errorcode>" in report


def test_r13_one_number_is_never_reported() -> None:
    emulator = WsgiHarness()
    assert "<remainpoint>999<" in emulator.send("10000000022")
    emulator.now += 10 * 365 * 86400
    assert "statusbox" not in emulator.status()


def test_r13_one_number_is_reported_30_seconds_late() -> None:
    emulator = WsgiHarness(report_delay=5.0)
    emulator.send("10000000023")
    emulator.now += 34
    assert "statusbox" not in emulator.status()
    emulator.now += 1
    assert "<receivetime>2011-12-02 22:12:46<" in emulator.status()


def test_r13_two_numbers_reply_when_their_reports_are_due() -> None:
    emulator = WsgiHarness(report_delay=5.0)
    emulator.send("10000000030,10000000031", extno="01")
    emulator.now += 4
    assert "callbox" not in emulator.call()
    emulator.now += 1
    replies = emulator.call()
    assert [part.partition("<")[0] for part in replies.split("<content>")[1:]] == ["T", "&lt;好&gt; &amp; 😀"]
    assert replies.count("<extno>01<") == 2
    assert emulator.status().count("<statusbox>") == 2


# R14, R16: test_forms; R15: the exchanges json-*; R17: test_render


def test_r15_rt_is_case_sensitive() -> None:
    emulator = WsgiHarness()
    assert emulator.send(rt="json").startswith("{")
    assert emulator.send(rt="JSON").startswith("<")


# R18


@pytest.mark.parametrize("content", ["", " ", "\r\n\t", "\u3000"])
def test_r18_a_white_space_text_counts_as_empty(content: str) -> None:
    assert get_message(WsgiHarness().send(content=content)) == NO_CONTENT


# R21


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("用户名或密码不能为空", 1),
        ("用户名或密码错误", 2),
        ("该用户不允许查看状态报告", 3),
        ("参数不正确", 4),
        ("sign参数错误", 4),
        ("该用户不允许查看短信回复", 3),
        ("没有记录", 5),
        ("a < b & ]]>", 4),
    ],
)
@pytest.mark.parametrize("path", ["/v2statusApi.aspx", "/v2callApi.aspx", "/statusApi.aspx", "/callApi.aspx"])
def test_r21_a_queue_refuses_with_any_text_and_a_number(path: str, message: str, number: int) -> None:
    emulator = FlaskEmulator()
    emulator.control("POST", "faults", {"kind": "vendor_error", "message": message})
    escaped = message.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert emulator.http.post(path, data={"action": "query"}).data.decode() == (
        '<?xml version="1.0" encoding="utf-8" ?><returnsms>\n <errorstatus>\n'
        f" <error>{number}</error>\n <remark>{escaped}</remark>\n </errorstatus>\n </returnsms>"
    )
    assert emulator.http.post(path, data={"action": "query", "rt": "json"}).json == {
        "ErrorStatus": {"Error": number, "Remark": message}
    }


@pytest.mark.parametrize("path", ["/v2smsGBK.aspx", "/smsGBK.aspx"])
def test_r21_characters_that_gbk_lacks_become_references(path: str) -> None:
    emulator = FlaskEmulator()
    emulator.control("POST", "faults", {"kind": "vendor_error", "message": "非法签名 😀€ <&>"})
    assert emulator.http.post(path, data={"action": "send"}).data == (
        '<?xml version="1.0" encoding="gb2312" ?><returnsms>\n <returnstatus>Faild</returnstatus>\n'
        " <message>非法签名 &#128512;&#8364; &lt;&amp;&gt;</message>\n <remainpoint>0</remainpoint>\n"
        " <taskID>0</taskID>\n <successCounts>0</successCounts></returnsms>"
    ).encode("gbk")
    response = emulator.http.post(path, data={"action": "send", "rt": "json"})
    assert response.data.isascii()
    assert response.json is not None
    assert response.json["Message"] == "非法签名 😀€ <&>"


@pytest.mark.parametrize(
    ("message", "operations", "refused"),
    [
        ("非法签名", [], ["send", "overage", "status"]),
        ("非法签名", ["status"], ["status"]),
        ("其他错误", [], ["send"]),
        ("其他错误", ["status", "overage"], ["overage", "status"]),
    ],
)
def test_r21_a_text_of_no_operation_is_sent_by_all_and_operations_are_obeyed(
    message: str, operations: list[str], refused: list[str]
) -> None:
    emulator = FlaskEmulator()
    emulator.control("POST", "faults", {"kind": "vendor_error", "message": message, "operations": operations})
    answers = {
        "send": emulator.http.post(UTF8, data={"action": "send"}).text,
        "overage": emulator.http.post(UTF8, data={"action": "overage"}).text,
        "status": emulator.http.post(STATUS, data={"action": "query"}).text,
    }
    assert [name for name, answer in answers.items() if f">{message}<" in answer] == refused
