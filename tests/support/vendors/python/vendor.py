"""A small server that behaves as the vendor in manual.txt (客户接口说明) describes.

    PORT=8080 python3 vendor.py

Environment: PORT, USERID, ACCOUNT, PASSWORD, BALANCE, FORBIDDEN, DELAY, BREAK.
A comment that starts with "CHOICE" stands above each place where the manual is silent
and a choice had to be made. broken(n) marks the deviations listed in breaks.json.
"""
import hashlib
import hmac
import os
import re
import threading
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

PORT = int(os.environ.get("PORT") or 8080)
USERID = os.environ.get("USERID") or "12"
ACCOUNT = os.environ.get("ACCOUNT") or "test"
PASSWORD = os.environ.get("PASSWORD") or "mima"
BALANCE = int(os.environ.get("BALANCE") or 100000)
FORBIDDEN = os.environ.get("FORBIDDEN", "发票")
DELAY = float(os.environ.get("DELAY") or 1)
BREAK = int(os.environ.get("BREAK") or 0)
if not 0 <= BREAK <= 20:
    raise SystemExit("BREAK must be empty or 1..20")

MAX_BODY = 16 * 1024 * 1024

EMPTY_LOGIN = "用户名或密码不能为空"
WRONG_LOGIN = "用户名或密码错误"
ERROR_CODES = {EMPTY_LOGIN: 1, WRONG_LOGIN: 2, "该用户不允许查看状态报告": 3, "参数不正确": 4}

# CHOICE: the manual does not say which characters count as an injection. Only telling
# phrases are refused, so that an apostrophe in an ordinary text passes.
SQL_INJECTION = re.compile(
    r"'\s*(?:or|and)\s|;\s*(?:drop|delete|update|insert|exec|truncate)\b"
    r"|\bunion\s+(?:all\s+)?select\b|\bdrop\s+table\b|\bxp_cmdshell\b", re.I)


def broken(number):
    return BREAK == number


# ---------------------------------------------------------------- state

class Store:
    """Balance, waiting reports and waiting replies; every access holds the lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.balance = BALANCE
        self.used = 0
        # CHOICE: task numbers are consecutive and start at an arbitrary six-digit number.
        self.next_task = 100001
        self.reports = []
        self.replies = []

    def submit(self, numbers, content, extno, due):
        """Book one send. Returns (task id, remaining points) or None if too expensive."""
        points = parts(content) * len(numbers)
        with self.lock:
            if points > self.balance and not broken(8):
                return None
            before = self.balance
            # CHOICE: points are taken at once, also for a timed send, and are not given
            # back for a message that fails.
            self.balance -= points
            self.used += points
            task = self.next_task
            self.next_task += 1
            ready = max(due, time.time()) + DELAY
            for number in numbers:
                item = {"mobile": number, "taskid": task, "extno": extno,
                        "ready": ready, "again": False}
                self.reports.append(item)
                if number.endswith("7"):
                    self.replies.append(dict(item))
            return task, before if broken(1) else self.balance

    def totals(self):
        with self.lock:
            return self.balance, self.used

    @staticmethod
    def _take(waiting, limit):
        """Split into (what is handed out now, what stays). Oldest first."""
        now, taken, left = time.time(), [], []
        for item in waiting:
            if item["ready"] <= now and (limit is None or len(taken) < limit):
                taken.append(item)
            else:
                left.append(item)
        return taken, left

    def take_reports(self, limit):
        with self.lock:
            taken, self.reports = self._take(self.reports, limit)
            if broken(14) and taken and len(taken) == limit and not taken[-1]["again"]:
                self.reports.insert(0, dict(taken[-1], again=True))
            return taken

    def take_replies(self):
        # CHOICE: chapter 5 has no count parameter, so all waiting replies come at once.
        with self.lock:
            taken, self.replies = self._take(self.replies, None)
            if broken(18):
                self.replies[:0] = [dict(item, again=True) for item in taken
                                    if item["extno"] and not item["again"]]
            return taken


def parts(content):
    # CHOICE: price of long texts: up to 70 characters one point, beyond that one point for
    # each begun 67 characters; per number.
    return 1 if len(content) <= 70 else -(-len(content) // 67)


STORE = Store()


# ---------------------------------------------------------------- requests

def parse_form(raw, charset):
    """Returns (parameters, whether every byte could be decoded)."""
    params, clean = {}, True
    for pair in raw.split(b"&"):
        if not pair:
            continue
        name, _, value = pair.partition(b"=")
        texts = []
        for part in (name, value):
            data = unquote_to_bytes(part.replace(b"+", b" "))
            try:
                texts.append(data.decode(charset))
            except UnicodeDecodeError:
                texts.append(data.decode(charset, "replace"))
                clean = False
        # CHOICE: names are case-sensitive; blanks around a name are dropped, because the
        # manual's own examples print "sign =..."; of a repeated name the first counts.
        params.setdefault(texts[0].strip(), texts[1])
    return params, clean


def login_problem(p):
    userid, stamp, sign = p.get("userid", ""), p.get("timestamp", ""), p.get("sign", "")
    # CHOICE: account and password are never sent as such; "empty" means that one of
    # userid, timestamp, sign is missing or empty.
    if not (userid and stamp and sign):
        return EMPTY_LOGIN
    wanted = hashlib.md5((ACCOUNT + PASSWORD + stamp).encode("utf-8")).hexdigest()
    if broken(3):
        sign = sign.lower()
    # CHOICE: a userid of someone else is a wrong login too.
    if userid != USERID or not hmac.compare_digest(sign.encode("utf-8"), wanted.encode()):
        return WRONG_LOGIN
    return None


def valid_timestamp(stamp):
    # CHOICE: the form (fourteen digits, a real date) is checked, the age is not: the
    # manual names no window, and its own example is from 2012.
    return parse_time(stamp, r"\d{14}", "%Y%m%d%H%M%S") is not None


def parse_time(text, pattern, layout):
    if not re.fullmatch(pattern, text, re.A):
        return None
    try:
        return datetime.strptime(text, layout).timestamp()
    except (ValueError, OverflowError):
        return None


# ---------------------------------------------------------------- answers

def element(name, value):
    # CHOICE: plain escaped text, no CDATA; characters XML forbids are dropped; an empty
    # value is printed as <name></name>, as <extno></extno> in 4.3.
    text = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", str(value))
    return f"<{name}>{escape(text)}</{name}>"


def document(lines, charset):
    # CHOICE: the declaration as the manual prints it (with a blank before "?>"), then a
    # line feed and one element a line, nested ones indented by two blanks.
    # CHOICE: the GBK page answers in GBK and declares the name that 1.1 uses, gb2312.
    text = "\n".join([f'<?xml version="1.0" encoding="{charset}" ?>', "<returnsms>",
                      *("  " + line for line in lines), "</returnsms>", ""])
    return text.encode("gbk" if charset == "gb2312" else charset, "xmlcharrefreplace")


def box(name, fields):
    return [f"<{name}>", *("  " + element(k, v) for k, v in fields), f"</{name}>"]


def send_answer(status, message, remain="", task="", count=""):
    if status == "Faild" and broken(2):
        status = "Failed"
    return [element("returnstatus", status), element("message", message),
            element("remainpoint", remain), element("taskID", task),
            element("successCounts", count)]


def send_refusal(message):
    # CHOICE: a refused send has empty remainpoint, taskID and successCounts.
    return send_answer("Faild", message)


def overage_answer(status, message, payinfo="", overage="", total=""):
    return [element("returnstatus", status), element("message", message),
            element("payinfo", payinfo), element("overage", overage),
            element("sendTotal", total)]


def error_answer(remark, wrong_code=None):
    return box("errorstatus", [("error", wrong_code or ERROR_CODES[remark]),
                               ("remark", remark)])


# ---------------------------------------------------------------- the five interfaces

def do_send(p, clean):
    # CHOICE: order of the checks: login, number, text, injection, forbidden word, extno,
    # sendTime, balance; the first problem is the one that is told.
    problem = login_problem(p)
    if problem:
        return send_refusal(problem)
    # CHOICE: an ill-formed timestamp, although signed correctly, is a wrong login here.
    if not valid_timestamp(p["timestamp"]):
        return send_refusal(WRONG_LOGIN)
    # CHOICE: bytes that are not in the page's charset are an "其他错误".
    if not clean:
        return send_refusal("其他错误")
    # CHOICE: blanks around numbers and empty places between commas are ignored; a number
    # given twice is sent (and paid) twice; no limit on how many.
    numbers = [n.strip() for n in p.get("mobile", "").split(",") if n.strip()]
    if not numbers:
        return send_refusal("短信号码不能为空")
    content = p.get("content", "")
    # CHOICE: a text of nothing but white space is an empty one.
    if not content.strip():
        return send_refusal("短信内容不能为空")
    if SQL_INJECTION.search(content):
        return send_refusal("发送内容包含sql注入字符")
    if FORBIDDEN and FORBIDDEN in content:
        # CHOICE: the manual's message ends in a colon, so the word found follows it.
        return send_refusal("包含非法字符：" + FORBIDDEN)
    # CHOICE: the channel supports extno; a bad one or a bad sendTime has no message of its
    # own in the manual, so it is an "其他错误".
    extno = p.get("extno", "")
    longest = 11 if broken(4) else 10
    if extno and not re.fullmatch(r"[0-9]{1,%d}" % longest, extno):
        return send_refusal("其他错误")
    due = 0.0
    if p.get("sendTime", ""):
        # CHOICE: server's local time; a time that is past means "now".
        due = parse_time(p["sendTime"], r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
                         "%Y-%m-%d %H:%M:%S")
        if due is None:
            return send_refusal("其他错误")
        if broken(5):
            due = 0.0
    booked = STORE.submit(numbers, content, extno, due)
    if booked is None:
        return send_refusal("对不起，您当前要发送的量大于您当前余额")
    task, remain = booked
    # CHOICE: successCounts counts numbers, not points of long texts.
    count = 1 if broken(6) else len(numbers)
    return send_answer("Success", "ok", remain, task, count)


def do_overage(p, clean):
    problem = login_problem(p)
    if not problem and not valid_timestamp(p["timestamp"]):
        problem = WRONG_LOGIN
    if problem:
        # CHOICE: a refused query has empty payinfo, overage and sendTotal.
        return overage_answer("Faild", problem)
    balance, used = STORE.totals()
    # CHOICE: the account is a prepaid one; all its points were bought before the start.
    return overage_answer("Success" if broken(9) else "Sucess",
                          "ok" if broken(10) else "",
                          "预付费", balance, used if broken(11) else BALANCE)


def do_checkkeyword(p, clean):
    problem = login_problem(p)
    if not problem and not valid_timestamp(p["timestamp"]):
        problem = WRONG_LOGIN
    if problem:
        return [element("message", problem)]
    # CHOICE: an empty or missing content contains no forbidden word; the check looks for
    # the forbidden word only, not for SQL injection.
    content = p.get("content", "")
    if broken(13):
        content = content[:20]
    if FORBIDDEN and FORBIDDEN in content:
        return [element("message", "包含非法字符：" if broken(12) else "包含非法字符")]
    return [element("message", "没有包含屏蔽词")]


def query_problem(p, clean):
    """Refusal that chapters 4 and 5 share, or None."""
    problem = login_problem(p)
    if problem:
        return problem
    # CHOICE: login first; then a wrong action, an ill-formed timestamp and undecodable
    # bytes are "参数不正确". Error 3 never occurs: this account may see its reports.
    if p.get("action") != "query" or not clean or not valid_timestamp(p["timestamp"]):
        return "参数不正确"
    return None


def received(item):
    # CHOICE: receivetime is the server's local time at which the report became ready.
    return datetime.fromtimestamp(item["ready"]).strftime("%Y-%m-%d %H:%M:%S")


def do_report(p, clean):
    problem = query_problem(p, clean)
    if problem:
        return error_answer(problem, 3 if broken(17) and problem == WRONG_LOGIN else None)
    wanted = p.get("statusNum", "")
    limit = 5000 if broken(15) else 4000
    if wanted:
        # CHOICE: digits only; 0 is a number and gives no reports; no upper limit.
        if not re.fullmatch(r"[0-9]{1,9}", wanted):
            return error_answer("参数不正确")
        if not broken(16):
            limit = int(wanted)
    lines = []
    # CHOICE: oldest first; with nothing to report, <returnsms> is empty.
    for item in STORE.take_reports(limit):
        # CHOICE: as in 4.3, a number ending in 1 fails with errorcode 2; so does one that
        # is no mainland mobile number. All others are delivered.
        good = re.fullmatch(r"1[0-9]{9}[02-9]", item["mobile"])
        lines += box("statusbox", [("mobile", item["mobile"]), ("taskid", item["taskid"]),
                                   ("status", 10 if good else 20),
                                   ("receivetime", received(item)),
                                   ("errorcode", "DELIVRD" if good else "2"),
                                   ("extno", item["extno"])])
    return lines


def do_reply(p, clean):
    problem = query_problem(p, clean)
    if problem:
        return error_answer(problem)
    lines = []
    for item in STORE.take_replies():
        # CHOICE: every reply has the text of the manual's first example, and the task and
        # extno of the message that it answers.
        fields = [("mobile", item["mobile"]), ("taskid", item["taskid"]),
                  ("content", "你好，我不需要"), ("receivetime", received(item)),
                  ("extno", "" if broken(19) else item["extno"])]
        if broken(20):
            fields[2], fields[3] = fields[3], fields[2]
        lines += box("callbox", fields)
    return lines


ACTIONS = {"send": do_send, "overage": do_overage, "checkkeyword": do_checkkeyword}


def do_sms_page(p, clean):
    handler = ACTIONS.get(p.get("action", ""))
    if handler is None:
        # CHOICE: an unknown action is refused in the form of a refused send.
        return send_refusal("其他错误")
    return handler(p, clean)


# Path: (handler, charset named in the answer, codec of the parameters)
PAGES = {
    "/v2sms.aspx": (do_sms_page, "utf-8", "utf-8"),
    "/v2smsGBK.aspx": (do_sms_page, "gb2312", "gbk"),
    "/v2statusApi.aspx": (do_report, "utf-8", "utf-8"),
    "/v2callApi.aspx": (do_reply, "utf-8", "utf-8"),
}


class Handler(BaseHTTPRequestHandler):
    # CHOICE: HTTP/1.1 with keep-alive and Content-Length; refusals are HTTP 200 with XML.
    protocol_version = "HTTP/1.1"
    server_version = "sms10692"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 60

    def reply(self, code, body, kind, extra=()):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "private")
        for name, value in extra:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, code, text, extra=()):
        self.close_connection = True
        self.reply(code, text.encode(), "text/plain; charset=utf-8",
                   [("Connection", "close"), *extra])

    def do_POST(self):
        path, _, query = self.path.partition("?")
        # CHOICE: a body needs a Content-Length (no chunked bodies) and at most 16 MiB.
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,12}", length):
            return self.refuse(411, "Content-Length required\n")
        if int(length) > MAX_BODY:
            return self.refuse(413, "too long\n")
        body = self.rfile.read(int(length))
        # CHOICE: paths are case-sensitive; any other path is 404.
        if path not in PAGES:
            return self.refuse(404, "not found\n")
        handler, charset, codec = PAGES[path]
        codec = "utf-8" if broken(7) else codec
        # CHOICE: the parameters of a POST may stand in the address ("http url方式") or in a
        # urlencoded body; the address counts first. The Content-Type is not looked at.
        params, clean = parse_form(query.encode("latin-1") + b"&" + body, codec)
        if broken(7) and path == "/v2smsGBK.aspx":
            clean = True
        self.reply(200, document(handler(params, clean), charset),
                   f"text/xml; charset={charset}")

    def do_GET(self):
        # CHOICE: the manual says POST; anything else is 405.
        self.refuse(405, "POST only\n", [("Allow", "POST")])

    do_HEAD = do_PUT = do_DELETE = do_GET

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    server = Server(("127.0.0.1", PORT), Handler)
    print("listening", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
