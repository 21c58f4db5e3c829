"""Careless clients: each is the careful driver with one small change, and fails the cases named for it."""

from pathlib import Path
from typing import Final, NamedTuple

CAREFUL: Final = Path(__file__).with_name("careful_driver.py")


class Careless(NamedTuple):
    """A change of the careful driver: `old` becomes `new`, and the client no longer passes `cases`."""

    name: str
    cases: tuple[str, ...]
    old: str
    new: str

    def build(self) -> str:
        """Return the source of the client. Raises ValueError if the driver does not have the old text exactly once."""
        source = CAREFUL.read_text("utf-8")
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: the careful driver has {source.count(self.old)} times {self.old!r}")
        return source.replace(self.old, self.new)


def _queues(name: str) -> tuple[str, str]:
    return f"{name.format('status')}", f"{name.format('call')}"


_NOW: Final = '(datetime.now(CHINA) + timedelta(seconds=self.offset)).strftime("%Y%m%d%H%M%S")'
_SIGN: Final = '(self.account + self.password + timestamp).encode("utf-8")'
_BODY: Final = '**fields}, encoding=charset or self.charset).encode("ascii")'
_CREDENTIALS: Final = '{"userid": self.userid, "timestamp": timestamp, "sign": sign}'
_FIELDS: Final = '"content": content}\n            root = self.parse(self.post("sms", {**fields,'
_TIMES: Final = 'astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")'
_STATUS: Final = 'if root.findtext("returnstatus") != "Success":'
_PARSED: Final = 'root = ET.fromstring(text[text.index("?>") + 2 :] if text.startswith("<?xml") else text)'
_SENT: Final = 'return {"taskID": task, "successCounts": count, "remainpoint": points}'
_REQUEST: Final = 'connection.request("POST", self.page(name), body, headers)'
_READ: Final = "while part := response.read1(65536):"
_LOST: Final = "raise Unknown(str(error)) from error"
_HTTP: Final = 'raise Unknown(f"HTTP {response.status}")'
_ITEMS: Final = 'items = [{name: box.findtext(name) or "" for name in names} for box in root.iter(f"{operation}box")]\n        return'
_ROOT: Final = 'raise Unknown("not the vendor\'s XML")\n'
_NO_XML: Final = 'raise Unknown(f"not the vendor\'s XML: {error}") from error'
_SPOOL: Final = "spool, items = client.fetch(operation, NAMES[operation])"
_WRITE: Final = 'sys.stdout.write(json.dumps({"id": number, "answer": kind, **fields}) + "\\n")'
_POST_FETCH: Final = 'content = self.post(f"{operation}Api", {"action": "query"}, "utf-8")'


def _text(name: str, case: str, change: str) -> Careless:
    """Return a client that changes each text before it is sent: `change` is an expression over `content`."""
    return Careless(name, (case,), _FIELDS, _FIELDS.replace('"content": content', f'"content": {change}'))


def _unescaped(name: str, case: str, character: str) -> Careless:
    """Return a client that does not escape a character in the body."""
    escape = f"%{ord(character):02X}"
    return Careless(name, (case,), _BODY, _BODY.replace(".encode(", f".replace({escape!r}, {character!r}).encode("))


def _items(name: str, cases: tuple[str, ...], change: str) -> Careless:
    """Return a client that changes the items of an answer: `change` is an expression over `items`."""
    return Careless(
        name, cases, _ITEMS, _ITEMS.replace("\n        return", f"\n        items = {change}\n        return")
    )


CARELESS: Final = (
    # Credentials
    Careless("the signature is in upper case", ("Q-signature",), ".hexdigest()", ".hexdigest().upper()"),
    Careless(
        "account and password change places",
        ("Q-signature",),
        "self.account + self.password",
        "self.password + self.account",
    ),
    Careless("local time", ("Q-timestamp",), "datetime.now(CHINA) +", "datetime.now() +"),
    Careless("UTC", ("Q-timestamp",), "datetime.now(CHINA) +", "datetime.now(timezone.utc) +"),
    Careless("Unix seconds", ("Q-timestamp",), _NOW, "str(int(time.time()))"),
    Careless("a 12-hour clock", ("Q-24-hours",), "%Y%m%d%H%M%S", "%Y%m%d%I%M%S"),
    Careless(
        "the clock is read twice",
        ("Q-one-clock",),
        _CREDENTIALS,
        '{"userid": self.userid, "sign": sign, "timestamp": (datetime.now(CHINA) + timedelta(milliseconds=80)).strftime('
        '"%Y%m%d%H%M%S")}',
    ),
    Careless(
        "the password is sent too",
        ("Q-no-password",),
        _CREDENTIALS,
        '{**locals(), "password": self.password, "userid": self.userid}',
    ),
    Careless("the signature is over GBK", ("Q-chinese-account",), _SIGN, _SIGN.replace("utf-8", "gbk")),
    Careless(
        "the signature is over escapes",
        ("Q-special-password",),
        _SIGN,
        '__import__("urllib.parse").parse.quote_plus(self.account + self.password + timestamp).encode()',
    ),
    # Texts
    _unescaped("& is not escaped", "Q-ampersand", "&"),
    _unescaped("+ is not escaped", "Q-plus", "+"),
    _unescaped("% is not escaped", "Q-percent", "%"),
    _text("texts end at =", "Q-equals", 'content.split("=")[0]'),
    _text("texts end at #", "Q-hash", 'content.split("#")[0]'),
    _text("texts end at ;", "Q-semicolon", 'content.split(";")[0]'),
    _text("quotation marks are changed", "Q-quote", "content.replace('\"', '')"),
    _text("spaces are collapsed", "Q-spaces", '" ".join(content.split())'),
    _text("backslashes are lost", "Q-question", 'content.replace("\\\\", "")'),
    _text("texts are escaped for XML", "Q-entity", '__import__("html").escape(content)'),
    _text("texts are unescaped", "Q-entity", '__import__("html").unescape(content)'),
    _text("texts end at a line end", "Q-newline", "content.splitlines()[0]"),
    _text("texts are cut at 500 characters", "Q-long", "content[:500]"),
    _text(
        "characters outside the BMP are replaced",
        "Q-missing-character",
        '"".join(c if ord(c) < 65536 else "?" for c in content)',
    ),
    Careless(
        "the charset of the platform is used",
        ("Q-chinese", "Q-charset-label"),
        "encoding=charset or self.charset",
        'encoding="gbk" if self.charset == "utf-8" else "utf-8"',
    ),
    Careless(
        "the length counts characters",
        ("Q-length",),
        'headers = {"',
        'headers = {"Content-Length": str(len(__import__("urllib.parse").parse.unquote_to_bytes(body))), "',
    ),
    Careless(
        "a checked text is checked without spaces",
        ("Q-checked-text",),
        '{"action": "checkkeyword", "content": content}',
        '{"action": "checkkeyword", "content": content.replace("+", " ")}',
    ),
    # Numbers, times, parameters
    Careless(
        "every send is sent twice",
        ("Q-one-number",),
        "for start in range(0, len(mobiles), BATCH):",
        "for start in [0, 0]:",
    ),
    Careless(
        "the last number is left out",
        ("Q-100-numbers", "Q-one-number"),
        "batch = mobiles[start : start + BATCH]",
        "batch = mobiles[start : start + BATCH - 1]",
    ),
    Careless(
        "only the first batch is sent",
        ("Q-5000-numbers",),
        "range(0, len(mobiles), BATCH)",
        "range(0, min(len(mobiles), BATCH), BATCH)",
    ),
    Careless(
        "batches overlap", ("Q-5000-numbers",), "mobiles[start : start + BATCH]", "mobiles[start : start + BATCH + 1]"
    ),
    Careless("numbers are joined with a semicolon", ("Q-100-numbers",), '",".join(batch)', '";".join(batch)'),
    Careless(
        "repeated numbers are sent",
        ("Q-repeated-number",),
        "mobiles = list(dict.fromkeys(mobiles))",
        "mobiles = list(mobiles)",
    ),
    Careless("sendTime has slashes", ("Q-send-time",), "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S"),
    Careless("sendTime has a 12-hour clock", ("Q-send-time",), "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %I:%M:%S"),
    Careless("sendTime is not converted", ("Q-send-time-zone",), _TIMES, _TIMES.replace("astimezone(CHINA).", "")),
    Careless("no sendTime is None", ("Q-no-send-time",), 'time_text = ""', 'time_text = "None"'),
    Careless("extno is a number", ("Q-extno",), '"extno": extno})', '"extno": str(int(extno or 0) or "")})'),
    Careless("no extno is 0", ("Q-no-extno",), '"extno": extno})', '"extno": extno or "0"})'),
    Careless("sendTime is spelt sendtime", ("Q-parameters",), '"sendTime": time_text', '"sendtime": time_text'),
    Careless(
        "the charset is a parameter",
        ("Q-parameters",),
        '"sendTime": time_text',
        '"charset": "utf-8", "sendTime": time_text',
    ),
    Careless(
        "requests are GET", ("Q-post",), _REQUEST, 'connection.request("GET", f"{self.page(name)}?{body.decode()}")'
    ),
    Careless(
        "the text is in the query string",
        ("Q-post",),
        _REQUEST,
        'connection.request("POST", f"{self.page(name)}?{body.decode()}", b"", headers)',
    ),
    Careless("the form is sent as text", ("Q-findings",), "application/x-www-form-urlencoded", "text/plain"),
    Careless(
        "the balance is asked with another action",
        ("Q-actions", "R-sucess"),
        '{"action": "overage"}',
        '{"action": "balance"}',
    ),
    # Answers to a send
    Careless(
        "the task is that of another element",
        ("R-accepted",),
        'root.findtext("taskID", "")',
        'root.findtext("remainpoint", "")',
    ),
    Careless(
        "all refusals are one",
        ("R-send-messages",),
        'raise Refused(root.findtext("message"))',
        'raise Refused("refused")',
    ),
    Careless(
        "failure is spelt Failed",
        ("R-faild", "R-balance", "F-refusal-is-final"),
        _STATUS,
        'if root.findtext("returnstatus") == "Failed":',
    ),
    Careless(
        "only known messages are refusals",
        ("R-unknown-message",),
        _STATUS,
        'if root.findtext("returnstatus") != "Success" and "】" not in root.findtext("message"):',
    ),
    Careless(
        "messages are compared whole",
        ("R-word-behind-colon",),
        _STATUS,
        'if root.findtext("message")[-1] in "：空误额符" or root.findtext("message") == "其他错误":',
    ),
    Careless(
        "ok anywhere is a success", ("R-refused-with-ok-text",), _STATUS, 'if "ok" not in ET.tostring(root, "unicode"):'
    ),
    Careless(
        "Success anywhere is a success",
        ("R-refused-with-ok-text", "F-login-page"),
        'root = self.parse(self.post("sms", {**fields,',
        'data = self.post("sms", {**fields, "sendTime": time_text, "extno": extno})\n            if b"Success" in data:\n                return {}\n            root = self.parse(self.post("sms", {**fields,',
    ),
    Careless(
        "points are digits",
        ("R-negative-balance",),
        'points = int(root.findtext("remainpoint", "0"))',
        'points = int(root.findtext("remainpoint", "0")) if root.findtext("remainpoint").isdigit() else 1 / 0',
    ),
    Careless(
        "tasks are floating-point numbers",
        ("R-large-task",),
        _SENT,
        _SENT.replace('"taskID": task', '"taskID": str(int(float(task or 0)))'),
    ),
    Careless("elements are read by position", ("R-unknown-element",), _STATUS, 'if root[0].text != "Success":'),
    Careless(
        "answers are matched line by line",
        ("R-one-line",),
        _PARSED,
        _PARSED + '\n            assert text.count("\\n") != 0',
    ),
    Careless(
        "the declaration is cut off with its line",
        ("R-line-after-declaration",),
        _PARSED,
        _PARSED + '\n            if "?>\\r" in text: raise ValueError',
    ),
    Careless(
        "CDATA is not read",
        ("R-cdata", *_queues("R-{}-cdata"), "R-profile-cdata"),
        _PARSED,
        'text = __import__("re").sub(r"<!\\[CDATA\\[.*?]]>", "", text)\n            ' + _PARSED,
    ),
    Careless("a byte order mark is no XML", ("R-bom",), 'if content.startswith(b"\\xef\\xbb\\xbf"):', "if False:"),
    Careless(
        "the header decides the charset",
        ("R-wrong-charset-label",),
        'content.decode("gbk" if b"gb2312" in content[:60] else "utf-8")',
        'content.decode("utf-8", "replace")',
    ),
    Careless(
        "JSON is a success",
        ("R-json",),
        'root = self.parse(self.post("sms", {**fields,',
        'data = self.post("sms", {**fields, "sendTime": time_text, "extno": extno})\n            if data.startswith(b"{"):\n                return {}\n            root = self.parse(self.post("sms", {**fields,',
    ),
    Careless("gzip is accepted and not read", ("R-gzip",), 'headers = {"', 'headers = {"Accept-Encoding": "gzip", "'),
    Careless(
        "a body needs a length",
        ("R-chunked",),
        'content = b""\n',
        'content = b""\n            int(response.headers["Content-Length"] or "x")\n',
    ),
    # Balance and words
    Careless("success is spelt right", ("R-sucess", "R-postpaid"), '!= "Sucess"', '!= "Success"'),
    Careless(
        "a negative balance is 0",
        ("R-postpaid",),
        '{"overage": int(root.findtext("overage", "0"))',
        '{"overage": max(int(root.findtext("overage", "0")), 0)',
    ),
    Careless(
        "a refused balance is 0", ("R-overage-messages",), 'if root.findtext("returnstatus") != "Sucess":', "if False:"
    ),
    Careless(
        "every check finds something", ("R-clean-text",), 'if message.startswith("包含"):', 'if "包含" in message:'
    ),
    Careless(
        "a word behind the message is no finding",
        ("R-forbidden-text",),
        'if message.startswith("包含"):',
        'if message == "包含非法字符":',
    ),
    Careless(
        "a refused check is a clean text", ("R-checkkeyword-messages",), 'if message != "没有包含屏蔽词":', "if False:"
    ),
    # Queues
    Careless("errors of queues are empty queues", _queues("R-{}-errors"), "if error is not None:", "if False:"),
    Careless(
        "one box is no list",
        (*_queues("R-{}-one"), *_queues("E-{}-complete")),
        "return spool, items",
        "return spool, items if len(items) != 1 else []",
    ),
    _items("the last box is lost", (*_queues("R-{}-two"), *_queues("R-{}-one")), "items[:-1]"),
    _items("the order is reversed", _queues("R-{}-two"), "items[::-1]"),
    _items("at most 1,000 items", (*_queues("R-{}-4000"), *_queues("E-{}-drain")), "items[:1000]"),
    _items("an empty queue is an error", _queues("R-{}-empty"), "items or [][0]"),
    Careless(
        "entities are kept",
        _queues("R-{}-entities"),
        _PARSED,
        'text = text.replace("&", "&amp;")\n            ' + _PARSED,
    ),
    _items(
        "items without extno end the loop",
        _queues("R-{}-empty-extno"),
        'items[: next((n for n, i in enumerate(items) if not i["extno"]), None)]',
    ),
    _items(
        "unknown tasks are dropped", _queues("R-{}-unknown-task"), '[i for i in items if i["taskid"] != "999999999"]'
    ),
    _items("a map by number", _queues("R-{}-twice"), 'list({i["mobile"]: i for i in items}.values())'),
    Careless(
        "dates are parsed",
        _queues("R-{}-old-date"),
        "return spool, items",
        '[datetime.fromisoformat(item["receivetime"]) for item in items]\n        return spool, items',
    ),
    Careless(
        "errorcode decides",
        ("R-status-word",),
        'STATUSES.get(item["status"], item["status"])',
        '"delivered" if item["errorcode"] == "DELIVRD" else "failed"',
    ),
    Careless(
        "all but 20 is delivered",
        ("R-status-unknown",),
        'STATUSES.get(item["status"], item["status"])',
        '"failed" if item["status"] == "20" else "delivered"',
    ),
    _items(
        "reports without errorcode end the loop",
        ("R-status-empty-errorcode",),
        'items[: next((n for n, i in enumerate(items) if i.get("errorcode") == ""), None)]',
    ),
    _items(
        "replies are stripped line by line",
        ("R-call-newline",),
        '[{k: " ".join(v.split()) if k == "content" else v for k, v in i.items()} for i in items]',
    ),
    _items("empty replies are dropped", ("R-call-empty-content",), '[i for i in items if i.get("content", "x")]'),
    _items(
        "receivetime is taken for UTC",
        ("R-receivetime",),
        '[{**i, "receivetime": i["receivetime"] + "+00:00"} for i in items]',
    ),
    _items("extno is a number", _queues("E-{}-complete"), '[{**i, "extno": i["extno"].lstrip("0")} for i in items]'),
    Careless(
        "reports are dropped while a send runs",
        ("R-report-before-answer",),
        "    for spool, items in client.spooled",
        '    if operation == "status" and not hasattr(client, "polled"):\n        client.polled = True  # the first reports are from before\n        client.fetch(operation, NAMES[operation])\n    for spool, items in client.spooled',
    ),
    # Failures
    Careless(
        "a refused connection is a success",
        ("F-refused-connection",),
        _LOST,
        "return b'<returnsms><returnstatus>Success</returnstatus></returnsms>'",
    ),
    Careless(
        "lost connections are repeated",
        ("F-reset", "F-closed", "F-closed-idle-connection"),
        _LOST,
        'if not getattr(self, "again", False):\n                self.again = True\n                return self.post(name, fields, charset)\n            '
        + _LOST,
    ),
    Careless(
        "a timeout is repeated",
        ("F-timeout",),
        _LOST,
        'if isinstance(error, TimeoutError) and not getattr(self, "again", False):\n                self.again = True\n                return self.post(name, fields, charset)\n            '
        + _LOST,
    ),
    Careless(
        "no timeout", ("F-timeout", *_queues("F-{}-timeout")), "self.url.port, timeout=self.timeout)", "self.url.port)"
    ),
    Careless("the whole call has no limit", ("F-drip",), "if time.monotonic() > deadline:", "if False:"),
    Careless(
        "502 is repeated",
        ("F-gateway",),
        _HTTP,
        'if response.status == 502 and not getattr(self, "again", False):\n                    self.again = True\n                    return self.post(name, fields, charset)\n                '
        + _HTTP,
    ),
    Careless("an error page is a refusal", ("F-error-page",), _HTTP, 'raise Refused("server error")'),
    Careless(
        "an empty body is a refusal",
        ("F-empty-body",),
        _PARSED,
        'if not text: raise Refused("empty")\n            ' + _PARSED,
    ),
    Careless(
        "cut answers are accepted",
        ("F-truncated", "F-cut-document"),
        _NO_XML,
        'return ET.fromstring("<returnsms><returnstatus>Success</returnstatus></returnsms>")',
    ),
    Careless("a page is a refusal", ("F-login-page",), _ROOT, 'raise Refused("not accepted")\n'),
    Careless(
        "redirects are followed",
        ("F-redirect",),
        "if response.status != 200:",
        'if response.status == 307:\n                target = urlsplit(response.headers["Location"])\n                connection = http.client.HTTPConnection(target.hostname, target.port, timeout=1)\n                connection.request("POST", target.path, body, headers)\n                connection.getresponse()\n            if response.status != 200:',
    ),
    Careless(
        "batches go on after a refusal",
        ("F-stops-when-empty",),
        'raise Refused(root.findtext("message"))',
        'if start + BATCH < len(mobiles):\n                    continue\n                raise Refused(root.findtext("message"))',
    ),
    Careless(
        "refusals are repeated",
        ("F-refusal-is-final",),
        _STATUS,
        'if root.findtext("returnstatus") != "Success":\n                root = self.parse(self.post("sms", {**fields, "sendTime": time_text, "extno": extno}))\n            '
        + _STATUS,
    ),
    Careless(
        "a client that failed does not work again",
        ("F-after-failure",),
        "    try:\n            connection.request",
        "    try:\n            if getattr(self, 'broken', False): raise OSError\n            self.broken = True\n            connection.request",
    ),
    Careless(
        "a lost fetch is an empty queue",
        (*_queues("F-{}-lost"), *_queues("F-{}-timeout")),
        _POST_FETCH,
        "try:\n            "
        + _POST_FETCH.replace("content", "content", 1)
        + '\n        except Unknown:\n            content = b"<returnsms/>"',
    ),
    Careless(
        "an error page is an empty queue",
        _queues("F-{}-page"),
        _HTTP,
        'if "Api" in name: return b"<returnsms/>"\n                ' + _HTTP,
    ),
    Careless("a page is an empty queue", _queues("F-{}-login"), 'if root.tag != "returnsms":', "if False:"),
    Careless(
        "a cut fetch is an empty queue",
        (*_queues("F-{}-cut"), "F-status-cut-item"),
        _NO_XML,
        'return ET.fromstring("<returnsms/>")',
    ),
    # Queues, exactly once
    _items(
        "items are repeated after each fetch",
        (*_queues("E-{}-complete"), *_queues("E-{}-drain"), *_queues("E-{}-two-clients")),
        "items + items[:1]",
    ),
    Careless("nothing is spooled", _queues("E-{}-killed"), "spool.write_bytes(content)", 'spool.write_bytes(b"")'),
    Careless(
        "the spool is deleted before processing",
        _queues("E-{}-killed"),
        '    done = Path(f"{spool}.done")\n    with',
        "    spool.write_bytes(b'')\n    done = Path(f\"{spool}.done\")\n    with",
    ),
    Careless(
        "every send fetches reports",
        ("E-send-fetches-nothing",),
        "        task, count, points",
        '        self.post("statusApi", {"action": "query"}, "utf-8")\n        task, count, points',
    ),
    Careless(
        "statusNum is 1", ("E-status-num",), _POST_FETCH, _POST_FETCH.replace('"query"', '"query", "statusNum": "1"')
    ),
    Careless(
        "statusNum is all",
        ("E-status-num",),
        _POST_FETCH,
        _POST_FETCH.replace('"query"', '"query", "statusNum": "all"'),
    ),
    Careless(
        "an empty queue is asked again at once",
        ("E-one-poll",),
        _SPOOL,
        _SPOOL
        + "\n    for _ in range(4):\n        if not items:\n            spool, items = client.fetch(operation, NAMES[operation])",
    ),
    # Drivers that do not follow the protocol
    Careless(
        "the driver prints to standard output", ("R-accepted",), _WRITE, 'sys.stdout.write("sending\\n")\n    ' + _WRITE
    ),
    Careless("the driver ends at a refusal", ("R-faild",), 'answer("refused", message=str(error))', "sys.exit(1)"),
)
