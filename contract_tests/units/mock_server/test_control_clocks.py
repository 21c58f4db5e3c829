"""One clock, an account's own or that for all, is behind everything that has a time.

Here belongs what a turned clock changes elsewhere. How it is turned is in `test_control`.
"""

from emulators import sign
from offices import Office


def test_everything_follows_the_clock_of_the_account() -> None:
    office = Office(max_clock_skew=60.0)
    account = office.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    office.control("PUT", f"{path}/clock", {"mode": "frozen", "now": "2020-02-29T23:59:50+08:00"})
    office.control("PUT", f"{path}/outcomes", {"rules": [{"number": "151", "delay": 30, "reply": "T"}]})

    def send(timestamp: str, **fields: str) -> str:
        signed = sign(account["account"], account["password"], timestamp)
        form = {"userid": account["userid"], "timestamp": timestamp, "sign": signed, "action": "send", "content": "x"}
        return office.http.post("/v2sms.aspx", data=form | fields).text

    assert "用户名或密码错误" in send("20111202221211", mobile="15023239810")
    assert "<message>ok<" in send("20200229235950", mobile="15123239810")
    assert "<message>ok<" in send("20200301000049", mobile="15023239810", sendTime="2020-03-01 00:01:00")
    dues = [item["due"][11:19] for item in office.control("GET", f"{path}/reports")["items"]]
    assert dues == ["00:00:20", "00:01:00"]
    turned = [office.control("POST", f"{path}/clock/advance", {"to": "next"})["now"][11:19] for _ in range(2)]
    assert turned == dues
    assert office.refusal("POST", f"{path}/clock/advance", json={"to": "next"})[0] == 409
    messages = office.control("GET", f"{path}/messages?state=waiting")["items"]
    assert [message["sent"][:19] for message in messages] == ["2020-02-29T23:59:50"] * 2
    assert office.control("GET", "clock")["now"] == "2011-12-02T22:12:11+08:00"
    assert office.control("GET", f"{path}/requests")["items"][0]["now"] == "2020-02-29T23:59:50+08:00"
    assert office.control("GET", f"{path}/requests")["items"][0]["received"] == "2011-12-02T22:12:11+08:00"


def test_the_clock_for_all_goes_to_the_next_event_of_those_that_follow_it() -> None:
    office = Office()
    one, other = (office.control("POST", "accounts") for _ in range(2))
    office.control("PUT", f"accounts/{other['userid']}/clock", {"mode": "frozen"})
    for account, seconds in ((one, 50), (other, 10)):
        report = {"mobile": "1", "seconds": seconds}
        office.control("POST", f"accounts/{account['userid']}/reports", report)
    assert office.control("POST", "clock/advance", {"to": "next"})["now"] == "2011-12-02T22:13:01+08:00"
    assert "statusbox" in office.status(one)
    assert "statusbox" not in office.status(other)
    assert office.refusal("POST", "clock/advance", json={"to": "next"})[0] == 409


def test_a_fast_clock_brings_what_is_due_and_a_stopped_one_does_not() -> None:
    office = Office()
    account = office.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    office.control("PUT", f"{path}/clock", {"mode": "running", "speed": 60})
    office.send(account, mobile="10000000023")
    office.now += 0.4
    assert "statusbox" not in office.status(account)
    office.control("PUT", f"{path}/clock", {"mode": "frozen"})
    office.now += 60
    assert "statusbox" not in office.status(account)
    office.control("PUT", f"{path}/clock", {"mode": "running", "speed": 60})
    office.now += 0.1
    assert "statusbox" in office.status(account)


def test_a_clock_runs_no_further_than_dates_can_be_written() -> None:
    office = Office()
    account = office.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    office.control("PUT", f"{path}/clock", {"mode": "running", "now": "8999-12-31T00:00:00Z", "speed": 1_000_000})
    office.now += 10**9
    office.send(account, mobile="10000000023", sendTime="9999-12-31 23:59:59")
    for _ in range(3):
        assert office.control("POST", f"{path}/clock/advance", {"seconds": 10**10})["now"][:4] == "9000"
    assert office.control("GET", f"{path}/reports")["items"][0]["due"] == "9999-12-31T23:59:59+08:00"
    assert office.refusal("PUT", f"{path}/clock", json={"mode": "frozen", "now": "9999-01-01T00:00:00Z"})[0] == 422
