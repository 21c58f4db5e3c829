"""The read-only token: a spectator sees every page without any secret, and changes nothing on any route."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from html import unescape
from itertools import product
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode

import pytest
from werkzeug.routing import Rule

from sms10692_mock.admin.auth import AccessPolicy
from support.emulators import sign
from support.flask_emulator import FlaskEmulator

TOKEN, READ_ONLY = "full-t0ken", "spectat0r"
PASSWORD, WRONG_PASSWORD, NEW_PASSWORD = "geheim4711", "Falsch0815", "Neu4712xx"
TIME = "20120701231212"
SIGNATURE = sign("laden", PASSWORD, TIME)
WRONG_SIGNATURE = sign("laden", WRONG_PASSWORD, TIME)
EXPECTED = sign("laden", PASSWORD, "20120701231213")
COOKIE = "k00kie-value"
SECRETS = {
    "password": PASSWORD,
    "wrong password": WRONG_PASSWORD,
    "new password": NEW_PASSWORD,
    "signature": SIGNATURE,
    "signature in capitals": SIGNATURE.upper(),
    "wrong signature": WRONG_SIGNATURE,
    "expected signature": EXPECTED,
    "cookie": COOKIE,
    "token": TOKEN,
}
SIGNED = {"action": "send", "userid": "7", "timestamp": TIME, "mobile": "15023239810", "content": "您的验证码是 1234"}
OLDER = {"action": "send", "userid": "7", "account": "laden", "mobile": "15023239810", "content": "x"}
MULTIPART = f'--b\r\nContent-Disposition: form-data; name="sign"\r\n\r\n{SIGNATURE}\r\n--b--\r\n'
FORM = "application/x-www-form-urlencoded"
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
SESSION_ROUTES = {"console.log_in", "console.log_out"}
"""Routes that change nothing but the session of their own client."""

VALUES = {"userid": "7", "number": "1", "name": "manual", "fault_id": "x", "filename": "console.css"}


def send_traffic(emulator: FlaskEmulator) -> int:
    """Send requests that carry each secret in another way, and return their number."""
    http = emulator.http
    bodies: list[tuple[str, Any, str]] = [
        ("/v2sms.aspx", urlencode(SIGNED | {"sign": SIGNATURE}), FORM),
        ("/v2sms.aspx", urlencode(SIGNED | {"sign": SIGNATURE.upper()}), FORM),
        ("/v2sms.aspx", urlencode(SIGNED | {"timestamp": "20120701231213", "sign": WRONG_SIGNATURE}), FORM),
        ("/v2sms.aspx", quote(urlencode(SIGNED | {"sign": SIGNATURE})), FORM),
        ("/v2sms.aspx", urlencode(SIGNED) + "&s%69gn=" + "".join(f"%{ord(c):x}" for c in SIGNATURE), FORM),
        ("/v2sms.aspx", json.dumps(SIGNED | {"sign": SIGNATURE}), "application/json"),
        ("/v2smsGBK.aspx", urlencode(SIGNED | {"sign": SIGNATURE}, encoding="gbk"), FORM),
        ("/v2sms.aspx", urlencode({"signature": SIGNATURE, "sign": f" {SIGNATURE}\n"}), "text/plain"),
        ("/sms.aspx", urlencode(OLDER | {"password": PASSWORD}), FORM),
        ("/smsGBK.aspx", urlencode(OLDER | {"password": WRONG_PASSWORD}), FORM),
        ("/v2sms.aspx", urlencode(SIGNED | {"password": PASSWORD}), FORM),
        ("/v2sms.aspx", MULTIPART, "multipart/form-data; boundary=b"),
        (
            "/sms.aspx",
            urlencode(OLDER | {"action": "changespwd", "password": PASSWORD, "newpwd": NEW_PASSWORD, "renewpwd": "y"}),
            FORM,
        ),
    ]  # fmt: skip
    for path, body, content_type in bodies:
        http.post(path, data=body, content_type=content_type)
    headers = {"Cookie": f"session={COOKIE}", "Referer": f"http://x/?sign={SIGNATURE}&pwd={PASSWORD}"}
    http.get("/v2sms.aspx", query_string=SIGNED | {"sign": SIGNATURE}, headers=headers)
    http.get(f"/v2sms.aspx/sign={SIGNATURE}", headers={"Authorization": f"Bearer {TOKEN}"})
    http.get("/sms.aspx", query_string=OLDER | {"password": PASSWORD})
    return len(bodies) + 3


@pytest.fixture(scope="module")
def emulator() -> FlaskEmulator:
    """An emulator with both tokens, and with traffic that contains every secret."""
    policy = AccessPolicy(token=TOKEN, read_only_token=READ_ONLY)
    started = FlaskEmulator(policy, accounts=[f"7:laden:{PASSWORD}", "12:test:mima"])
    started.count = send_traffic(started)  # type: ignore[attr-defined]
    return started


def log_in(emulator: FlaskEmulator, token: str) -> Any:
    """Return a client with the session of a token."""
    client = emulator.app.test_client()
    response = client.post("/login", data={"token": token})
    assert response.status_code == 303
    return client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def read_paths(emulator: FlaskEmulator) -> Iterator[str]:
    """Yield a path for every route that can be read, for every logged request and both languages."""
    count: int = emulator.count  # type: ignore[attr-defined]
    for rule in emulator.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or "static" in rule.endpoint or rule.endpoint == "console.live":
            continue
        numbers = range(1, count + 1) if "number" in rule.arguments else (1,)
        for number in numbers:
            yield from build_paths(rule, {"number": str(number)})
    for number in range(1, count + 1):
        yield f"/send?userid=7&request={number}"
        yield f"/requests/{number}?userid=7&lang=zh"
    yield from (
        "/?userid=7",
        "/account?userid=7",
        "/account?userid=7&authentication=password",
        "/phone?userid=7&mobile=15023239810",
        "/queues?userid=7&queue=replies",
        "/requests?userid=7&has_findings=1",
        "/requests?userid=7&refused=1",
        "/_mock/accounts/7/requests?order=desc&limit=1000",
        "/_mock/requests/3?lang=zh",
        "/?userid=12",
        "/nosuch?userid=7",
    )


def build_paths(rule: Rule, values: Mapping[str, str]) -> Iterator[str]:
    """Yield a path of a route for each format or list that it has."""
    choices = re.findall(r"<any\(([^)]*)\):(\w+)>", rule.rule)
    for chosen in product(*(options.split(", ") for options, _ in choices)):
        known = VALUES | dict(values) | dict(zip((name for _, name in choices), chosen, strict=True))
        path = re.sub(r"<(?:[^<>:]+:)?(\w+)>", lambda found: known[found[1]], rule.rule)  # noqa: B023 - used at once
        yield f"{path}?userid=7" if rule.endpoint.startswith("console.") else path


def read_all(emulator: FlaskEmulator, token: str) -> dict[str, str]:
    """Return what a reader with this token sees, decoded in every way, by path."""
    session, seen = log_in(emulator, token), {}
    for path in read_paths(emulator):
        response = session.get(path, headers={"HX-Request": "true"} | bearer(token))
        assert response.status_code in {200, 302, 403, 404}, (path, response.text)
        seen[path] = "\n".join(decode(response.text)) + str(response.headers)
    return seen


def decode(page: str) -> Iterator[str]:
    """Yield the text of a response, and what it contains in HTML, percent codes, base64, and in hexadecimal dumps."""
    text = unescape(page)
    yield text
    yield unquote_plus(unquote_plus(text))
    for encoded in re.findall(r'"((?:[A-Za-z0-9+/]{4}){4,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)"', text):
        yield unquote_plus(unquote_plus(b64decode(encoded).decode("latin-1")))
    for dump in re.findall(r"(?s)<pre class=\"bytes hex\"[^>]*>(.*?)</pre>", text):
        digits = "".join("".join(re.findall(r"\b[0-9a-f]{2}\b", line[6:54])) for line in dump.splitlines())
        yield bytes.fromhex(digits).decode("latin-1")


def find_secrets(seen: Mapping[str, str]) -> set[tuple[str, str]]:
    return {(name, path) for path, text in seen.items() for name, secret in SECRETS.items() if secret in text}


def test_a_spectator_finds_no_secret_on_any_path(emulator: FlaskEmulator) -> None:
    seen = read_all(emulator, READ_ONLY)
    assert find_secrets(seen) == set()
    assert "【" not in seen["/account?userid=7"] or "***" in seen["/account?userid=7"]


def encode_percent(text: str, times: int = 1) -> str:
    """Percent-encode every character."""
    encoded = "".join(f"%{byte:02x}" for byte in text.encode())
    return encoded.replace("%", "%" + "25" * (times - 1))


GROUPS = "-".join(SIGNATURE[start : start + 8] for start in range(0, 32, 8))
SIGNED_FORM = urlencode(SIGNED)
OTHER_PASSWORD = "mima"
MISPLACED: dict[str, tuple[str, str]] = {
    "account and password exchanged": ("/sms.aspx", f"action=send&userid=7&account={PASSWORD}&password=laden"),
    "account name as userid": ("/sms.aspx", f"action=send&userid=laden&account={PASSWORD}&password=laden"),
    "password as userid": ("/sms.aspx", f"action=send&userid={PASSWORD}&account=laden&password=x"),
    "no userid": ("/sms.aspx", f"action=send&userid=&account={PASSWORD}&password=laden"),
    "no userid, unknown name": ("/v2sms.aspx", f"action=send&userid=&key={WRONG_PASSWORD}"),
    "password of another account": ("/sms.aspx", f"action=send&userid=7&account={OTHER_PASSWORD}"),
    "password in another case": ("/sms.aspx", f"action=send&userid=laden&account={PASSWORD.upper()}"),
    "password as text": ("/v2sms.aspx", f"action=send&userid=9&content=my+{PASSWORD}+!"),
    "password as a name": ("/v2sms.aspx", f"action=send&{PASSWORD}=1"),
    "no equals sign": ("/v2sms.aspx", f"action=send&{WRONG_PASSWORD}"),
    "encoded signature, unknown name": ("/v2sms.aspx", f"{SIGNED_FORM}&qm={encode_percent(SIGNATURE)}"),
    "encoded signature, known name": ("/v2sms.aspx", f"{SIGNED_FORM}&extno={encode_percent(SIGNATURE)}"),
    "signature in groups, unknown name": ("/v2sms.aspx", f"{SIGNED_FORM}&signature_md5={GROUPS}"),
    "signature in groups, known name": ("/v2sms.aspx", f"{SIGNED_FORM}&extno={GROUPS}"),
    "half a signature": ("/v2sms.aspx", f"{SIGNED_FORM}&extno={SIGNATURE[8:24]}"),
    "password encoded twice": ("/sms.aspx", f"action=send&userid=laden&account={encode_percent(PASSWORD, 2)}"),
    "password encoded three times": ("/sms.aspx", f"action=send&account={encode_percent(PASSWORD, 3)}"),
    "password in the path": (f"/v2sms.aspx/{PASSWORD}/x", SIGNED_FORM),
    "wrong password in the path": (f"/V2sms.aspx/{WRONG_PASSWORD}", SIGNED_FORM),
    "wrong signature in a text": ("/v2sms.aspx", "action=send&content=x%26sign%3DFalsch0815"),
}
LOOKED_FOR = {PASSWORD, PASSWORD.upper(), WRONG_PASSWORD, SIGNATURE, SIGNATURE[8:24], GROUPS, f"={OTHER_PASSWORD}"}


@pytest.fixture(scope="module")
def misplaced() -> FlaskEmulator:
    """An emulator whose requests have secrets where none belongs, in the order of MISPLACED."""
    policy = AccessPolicy(token=TOKEN, read_only_token=READ_ONLY)
    started = FlaskEmulator(policy, accounts=[f"7:laden:{PASSWORD}", f"12:test:{OTHER_PASSWORD}"])
    for path, body in MISPLACED.values():
        started.http.post(path, data=body, content_type=FORM, headers={"X-Api-Key": WRONG_PASSWORD})
    return started


def read(emulator: FlaskEmulator, token: str, *paths: str) -> str:
    """Return what a reader with this token sees on the paths, decoded."""
    session, texts = log_in(emulator, token), []
    for path in paths:
        response = session.get(path, headers=bearer(token))
        assert response.status_code == 200
        texts += [unquote_plus(unquote_plus(text)) for text in decode(response.text)]
    return "\n".join(texts)


@pytest.mark.parametrize("case", MISPLACED)
def test_a_secret_in_an_unexpected_place_is_masked(misplaced: FlaskEmulator, case: str) -> None:
    number = list(MISPLACED).index(case) + 1
    paths = (f"/_mock/requests/{number}", f"/requests/{number}?userid=7", f"/requests/{number}?userid=7&lang=zh")
    shown = read(misplaced, READ_ONLY, *paths)
    assert {secret for secret in LOOKED_FOR if secret in shown} == set()
    assert "action=" in shown
    assert {secret for secret in LOOKED_FOR if secret in read(misplaced, TOKEN, *paths)} != set()


def test_lists_and_exports_show_no_misplaced_secret(misplaced: FlaskEmulator) -> None:
    exports = [f"/export/requests.{name}?userid=7&whose=all" for name in ("csv", "json", "har", "http")]
    paths = ["/_mock/requests?limit=1000", "/requests?userid=7&whose=all", *exports]
    shown = read(misplaced, READ_ONLY, *paths)
    assert {secret for secret in LOOKED_FOR if secret in shown} == set()
    for path in paths:
        assert {secret for secret in LOOKED_FOR if secret in read(misplaced, TOKEN, path)} != set()


def test_what_is_no_secret_stays_readable(misplaced: FlaskEmulator) -> None:
    form = "action=send&userid=7&timestamp=20120701231212&sign=&mobile=15023239810%2C15023239811,15023239812"
    form += "&content=%E9%AA%8C%E8%AF%81%E7%A0%81+1234+http%3A%2F%2Fx.example%2F%3Fa%3Db&sendTime=2012-07-02+08:00:00"
    misplaced.http.post("/V2SMS.aspx", data=form, content_type=FORM, headers={"User-Agent": "shop/1.0"})
    number = misplaced.control("GET", "requests?order=desc&limit=1", **bearer(TOKEN))["items"][0]["number"]
    response = misplaced.http.get(f"/_mock/requests/{number}", headers=bearer(READ_ONLY))
    assert response.json is not None
    assert b64decode(response.json["body"]).decode() == form
    assert (response.json["userid"], response.json["method"]) == ("7", "POST")
    assert ["user-agent", "shop/1.0"] in response.json["headers"]


def test_the_same_search_finds_what_a_reader_with_the_full_token_sees(emulator: FlaskEmulator) -> None:
    found = find_secrets(read_all(emulator, TOKEN))
    never_logged = {"cookie", "token"}
    assert {name for name, _ in found} == set(SECRETS) - never_logged
    for path in ("/account?userid=7", "/_mock/accounts", "/requests/3?userid=7", "/_mock/requests/1", "/_mock/state"):
        assert any(where == path for _, where in found), path


@pytest.mark.parametrize("known", ["sign=", "password=", "action=send"])
def test_a_filter_does_not_tell_a_hidden_secret_letter_by_letter(emulator: FlaskEmulator, known: str) -> None:
    secret = {"sign=": SIGNATURE, "password=": PASSWORD, "action=send": ""}[known]

    def count(text: str, token: str) -> int:
        response = emulator.http.get("/_mock/requests", query_string={"text": text}, headers=bearer(token))
        assert response.json is not None
        return len(response.json["items"])

    guess = f"{known}{secret[:3]}"
    assert count(guess, TOKEN) > 0
    assert (count(guess, READ_ONLY) > 0) == (not secret)


def test_a_spectator_sees_pages_traffic_and_findings(emulator: FlaskEmulator) -> None:
    session = log_in(emulator, READ_ONLY)
    assert "15023239810" in session.get("/?userid=7").text
    request = unescape(session.get("/requests/1?userid=7").text)
    assert "action=send&userid=7&timestamp=20120701231212&mobile=15023239810&content=" in request
    assert "&sign=***" in request
    wrong = session.get("/requests/3?userid=7").text
    assert "signature." in wrong
    assert 'id="read-only"' in wrong
    response = emulator.http.get("/_mock/accounts/7", headers=bearer(READ_ONLY))
    assert response.json is not None
    assert (response.json["account"], response.json["password"]) == ("laden", "***")
    state = emulator.http.get("/_mock/state", headers=bearer(READ_ONLY))
    assert (state.status_code, "the read-only token may not see them" in state.text) == (403, True)
    assert "--token" not in state.text


def test_events_of_a_spectator_carry_no_data(emulator: FlaskEmulator) -> None:
    response = log_in(emulator, READ_ONLY).get("/live", buffered=False)
    events = response.response
    first = next(iter(events))
    assert re.fullmatch(r"retry: 1000\ndata: \d+\n\n", first if isinstance(first, str) else first.decode())
    response.close()


def test_no_route_lets_the_read_only_token_change_anything(emulator: FlaskEmulator) -> None:
    session = log_in(emulator, READ_ONLY)
    before = emulator.http.get("/_mock/state", headers=bearer(TOKEN)).data
    tried = 0
    bodies: tuple[dict[str, Any], ...] = ({"json": {}}, {"data": b""}, {"data": {"mobile": "1", "points": "5"}})
    for rule in emulator.app.url_map.iter_rules():
        routed = set(rule.methods or ()).intersection(UNSAFE)
        if rule.endpoint in SESSION_ROUTES:
            routed = set()
        path = next(build_paths(rule, {}))
        for method in routed or {"POST"} - set(rule.methods or ()):
            for headers in (bearer(READ_ONLY), {"HX-Request": "true"}):
                for body in bodies if routed else bodies[:1]:
                    status = session.open(path, method=method, headers=headers, **body).status_code
                    # 415: a form to the control API. 404: a console page that has no such method.
                    assert status in {401, 403, 405, 415, 404}, (method, path, headers, body, status)
                    tried += status == 403
    assert tried > 80
    assert emulator.http.get("/_mock/state", headers=bearer(TOKEN)).data == before


@pytest.mark.parametrize("path", ["/send/message", "/explain", "/contract/try?clause=1.1-utf8", "/faults/preset"])
def test_the_console_says_that_the_token_is_read_only(emulator: FlaskEmulator, path: str) -> None:
    session = log_in(emulator, READ_ONLY)
    response = session.post(path, headers={"HX-Request": "true", "Accept-Language": "zh"})
    assert (response.status_code, "只读令牌不能做任何更改。" in response.text) == (403, True)


def test_the_credential_that_counts_decides_what_is_shown(emulator: FlaskEmulator) -> None:
    full, spectator = log_in(emulator, TOKEN), log_in(emulator, READ_ONLY)
    assert PASSWORD in full.get("/_mock/accounts/7", headers=bearer(TOKEN)).text
    assert PASSWORD not in full.get("/_mock/accounts/7", headers=bearer(READ_ONLY)).text
    assert PASSWORD in spectator.get("/_mock/accounts/7", headers=bearer(TOKEN)).text
    assert PASSWORD in full.get("/account?userid=7", headers=bearer(READ_ONLY)).text
    assert PASSWORD not in spectator.get("/account?userid=7", headers=bearer(TOKEN)).text


def test_logout_ends_the_session(emulator: FlaskEmulator) -> None:
    session = log_in(emulator, TOKEN)
    assert 'action="/logout"' in session.get("/").text
    foreign = session.post("/logout", headers={"Origin": "http://elsewhere.example"})
    assert (foreign.status_code, session.get("/").status_code) == (403, 200)
    response = session.post("/logout")
    assert (response.status_code, response.headers["Location"]) == (303, "/login")
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert session.get("/").headers["Location"].startswith("/login")


def test_without_a_token_there_is_no_logout() -> None:
    assert "/logout" not in FlaskEmulator().http.get("/").text


@pytest.mark.parametrize("token", [None, READ_ONLY])
def test_a_read_only_token_requires_another_full_token(token: str | None) -> None:
    with pytest.raises(ValueError, match="requires another token"):
        AccessPolicy(token=token, read_only_token=READ_ONLY)


def test_basic_credentials_and_similar_tokens_open_nothing(emulator: FlaskEmulator) -> None:
    basic = b64encode(f"x:{READ_ONLY}".encode()).decode()
    for given in (f"Basic {basic}", f"Bearer {READ_ONLY}x", "Bearer ", f"Bearer {READ_ONLY.upper()}"):
        assert emulator.http.get("/_mock/accounts", headers={"Authorization": given}).status_code == 401
