#!/usr/bin/env python3
"""A stand-in for the SMS vendor of manual.txt (v2sms.aspx, v2smsGBK.aspx,
v2statusApi.aspx, v2callApi.aspx), Python 3.11, standard library only.

Comments that start with CHOICE mark places where the manual is silent or
leaves a choice.  BREAK=1..10 switches on one small deviation (breaks.json).
"""
import asyncio
import hashlib
import heapq
import hmac
import os
import re
import signal
import sys
import time
from datetime import datetime, timedelta, timezone
from email.utils import formatdate

# --------------------------------------------------------------------------
# configuration


def env_number(name, default, kind):
    text = os.environ.get(name, "").strip() or default
    try:
        return kind(text)
    except ValueError:
        sys.exit("%s must be a number, not %r" % (name, text))


PORT = env_number("PORT", "8080", int)
USERID = env_number("USERID", "12", int)
ACCOUNT = os.environ.get("ACCOUNT", "test")
PASSWORD = os.environ.get("PASSWORD", "mima")
BALANCE = env_number("BALANCE", "100000", int)
# CHOICE: FORBIDDEN may hold several words, separated by a half- or full-width
# comma; set but empty means that no word is forbidden.
FORBIDDEN = [w.strip() for w in re.split("[,，]", os.environ.get("FORBIDDEN", "发票")) if w.strip()]
DELAY = env_number("DELAY", "1", float)
BREAK = env_number("BREAK", "0", int)
if not 0 <= BREAK <= 10:
    sys.exit("BREAK must be empty or 1..10")

# CHOICE: all times are the vendor's wall clock, China time (UTC+8, no summer
# time), whatever the zone of this machine.
CHINA = timezone(timedelta(hours=8))

# --------------------------------------------------------------------------
# fixed texts of the manual

EMPTY_LOGIN = "用户名或密码不能为空"
WRONG_LOGIN = "用户名或密码错误"
SQL_FOUND = "发送内容包含sql注入字符"
NO_MOBILE = "短信号码不能为空"
NO_CONTENT = "短信内容不能为空"
ILLEGAL = "包含非法字符"
CLEAN = "没有包含屏蔽词"
NO_BALANCE = "对不起，您当前要发送的量大于您当前余额"
OTHER = "其他错误"
if BREAK == 1:
    NO_BALANCE = "对不起，您当前要发送的量大于您当前的余额"
# CHOICE: error 3 (该用户不允许查看状态报告) is a right in the vendor's back office;
# the one account here always has it, so 3 never occurs.
API_ERRORS = {1: EMPTY_LOGIN, 2: WRONG_LOGIN, 3: "该用户不允许查看状态报告", 4: "参数不正确"}

# CHOICE: texts of refusals the manual does not list (all with Faild).
BAD_EXTNO = "扩展子号只能为数字，且最多10位数"
BAD_SENDTIME = "定时发送时间格式不正确"
TOO_MANY = "一次提交的号码不能超过10000个"
TOO_LONG = "短信内容不能超过1000个字"

# CHOICE: at most 10000 numbers (after filtering) a request, 1000 UTF-16
# units of content, 4000 items an answer of the report and reply pages.
MAX_NUMBERS = 10000
MAX_CONTENT = 1000
MAX_ITEMS = 4000
# CHOICE: the limit of 10 digits of extno is the manual's, the text is not.
MAX_EXTNO = 8 if BREAK == 2 else 10
DEFAULT_STATUSNUM = 500 if BREAK == 7 else 4000

# CHOICE: what "sql注入字符" means.  Only typical phrases, not single words or a
# lone apostrophe, so that ordinary English text passes; upper case or lower.
SQL_PATTERN = re.compile(
    r"'\s*(?:or|and)\s|'\s*;|;\s*--|\bselect\b.+\bfrom\b|\binsert\s+into\b"
    r"|\bdelete\s+from\b|\bdrop\s+(?:table|database)\b|\btruncate\s+table\b"
    r"|\bupdate\b.+\bset\b.+=|\bexec(?:ute)?\s*\(|\bexec\s+(?:master|xp_|sp_)"
    r"|\bxp_cmdshell\b|\bunion\s+(?:all\s+)?select\b|\bdeclare\s+@",
    re.I | re.S)

# CHOICE: a number is 11 digits that begin with 1; +86, 86 and blanks inside
# are not repaired.
MOBILE_PATTERN = re.compile(r"1[0-9]{10}")

# --------------------------------------------------------------------------
# the vendor's "database"


class Queue:
    """Items become visible when due, and are taken out once, oldest first."""

    # CHOICE: order of items: by the time they arrived, then as submitted.
    def __init__(self):
        self.heap = []
        self.serial = 0

    def put(self, due, item):
        self.serial += 1
        heapq.heappush(self.heap, (due, self.serial, item))

    # CHOICE: an item counts as fetched once it is put in an answer, even if
    # the client goes away before it has read that answer.  There is no await
    # in here, so two requests at the same time never get the same item.
    def take(self, most):
        now = time.time()
        taken = []
        while self.heap and len(taken) < most and self.heap[0][0] <= now:
            due, _, item = heapq.heappop(self.heap)
            taken.append((due, item))
        return taken


class State:
    balance = BALANCE
    # CHOICE: taskID is a running int (an identity column), positive, one a
    # request.  It starts from the clock, so a restart does not repeat old ids.
    task = int(time.time()) - 1_600_000_000
    reports = Queue()
    replies = Queue()


# --------------------------------------------------------------------------
# small .NET habits

INT_PATTERN = re.compile(r"[+-]?[0-9]+")


def try_int(text):
    """Int32.TryParse: None if it is no 32 bit number."""
    text = text.strip()
    if not INT_PATTERN.fullmatch(text) or len(text) > 40:
        return None
    value = int(text)
    return value if -2**31 <= value < 2**31 else None


def length(text):
    """String.Length: UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escape(text):
    # CHOICE: text is escaped as SecurityElement.Escape does (five entities),
    # never in CDATA.
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"),
                         ('"', "&quot;"), ("'", "&apos;")):
        text = text.replace(char, entity)
    return text


def clock(seconds):
    return datetime.fromtimestamp(seconds, CHINA).strftime("%Y-%m-%d %H:%M:%S")


def short_clock(seconds):
    """DateTime.ToString() of a Chinese Windows: 2011/12/2 22:12:11"""
    t = datetime.fromtimestamp(seconds, CHINA)
    return "%d/%d/%d %d:%02d:%02d" % (t.year, t.month, t.day, t.hour, t.minute, t.second)


# CHOICE: sendTime is read as leniently as DateTime.TryParse reads numbers:
# - or /, one or two digits, T or a blank, seconds or the whole time optional.
SENDTIME_PATTERN = re.compile(
    r"([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})"
    r"(?:(?: +|T)([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2}))?)?")


def parse_sendtime(text):
    match = SENDTIME_PATTERN.fullmatch(text)
    if not match:
        return None
    y, _, mo, d, h, mi, s = match.groups()
    try:
        return datetime(int(y), int(mo), int(d), int(h or 0), int(mi or 0),
                        int(s or 0), tzinfo=CHINA).timestamp()
    except (ValueError, OverflowError):
        return None


# --------------------------------------------------------------------------
# XML

# CHOICE: layout.  No BOM; the declaration as in the manual (with a blank
# before ?>), on the GBK page with encoding="gb2312" because the body is
# that; CRLF at the ends of lines, no blank lines, no indentation, nothing
# after </returnsms>; an empty value is <x></x>, as in the manual, never <x />.
# The empty queue is a <returnsms> without boxes.


def document(lines, encoding="utf-8"):
    head = '<?xml version="1.0" encoding="%s" ?>' % encoding
    return "\r\n".join([head, "<returnsms>", *lines, "</returnsms>"])


def element(name, value):
    return "<%s>%s</%s>" % (name, escape(str(value)), name)


# --------------------------------------------------------------------------
# log in


def login(form):
    """None if all is well, else error 1 or 2 (the numbers of 4.4)."""
    # CHOICE: "用户名或密码不能为空" is the answer if any of userid, timestamp or
    # sign is missing or blank.  Blanks around them are trimmed.  The name is
    # "sign": the "sign " with a blank of the manual's examples is taken for a
    # slip and is not accepted.
    userid, stamp, sign = (form(n).strip() for n in ("userid", "timestamp", "sign"))
    if not (userid and stamp and sign):
        return 1
    # CHOICE: a userid that is no number, or another's, is a wrong login ("012"
    # is 12, as Int32.Parse has it).
    if try_int(userid) != USERID:
        return 2
    # CHOICE: timestamp must be 14 digits that are a real time, but it may be
    # old, in the future or used before: freshness is not checked.
    if not re.fullmatch(r"[0-9]{14}", stamp):
        return 2
    try:
        datetime.strptime(stamp, "%Y%m%d%H%M%S")
    except ValueError:
        return 2
    # CHOICE: account and password are UTF-8 in the MD5, on the GBK page too.
    # A sign in upper case is refused (manual: 需要小写).
    right = hashlib.md5((ACCOUNT + PASSWORD + stamp).encode("utf-8", "surrogateescape")).hexdigest()
    if not hmac.compare_digest(right.encode(), sign.encode("utf-8", "replace")):
        return 2
    return None


# --------------------------------------------------------------------------
# chapter 1


def send_answer(ok, message, remain=0, task=0, count=0):
    # CHOICE: a refusal has all five elements too, the numbers being 0 (also
    # remainpoint, even if the login was right).
    return [element("returnstatus", "Success" if ok else "Faild"),
            element("message", message), element("remainpoint", remain),
            element("taskID", task), element("successCounts", count)]


def send(form):
    # CHOICE: checks run in the order of the manual's table (so the SQL check
    # comes before the check of the login); the checks that the manual does
    # not list come after 短信内容不能为空, in this order: length of content,
    # extno, sendTime, number of numbers.  The first failure is the answer.
    bad = login(form)
    content = form("content")
    if bad == 1:
        return send_answer(False, EMPTY_LOGIN)
    if SQL_PATTERN.search(content):
        return send_answer(False, SQL_FOUND)
    if bad:
        return send_answer(False, WRONG_LOGIN)
    # CHOICE: numbers are trimmed; empty, malformed and repeated ones are
    # dropped without a word (not charged, not in successCounts); when none is
    # left the answer is 短信号码不能为空.  Only the half-width comma separates.
    mobiles = list(dict.fromkeys(
        m for m in (p.strip() for p in form("mobile").split(","))
        if MOBILE_PATTERN.fullmatch(m)))
    if not mobiles:
        return send_answer(False, NO_MOBILE)
    # CHOICE: content of blanks only is empty; otherwise it is not trimmed.
    if not content.strip():
        return send_answer(False, NO_CONTENT)
    size = length(content)
    if size > MAX_CONTENT:
        return send_answer(False, TOO_LONG)
    extno = form("extno").strip()
    if extno and not re.fullmatch("[0-9]{1,%d}" % MAX_EXTNO, extno):
        return send_answer(False, BAD_EXTNO)
    # CHOICE: a sendTime that has passed means "at once"; one in the future
    # puts the report off to sendTime + DELAY, points are charged at once.
    start = time.time()
    when = form("sendTime").strip()
    if when:
        planned = parse_sendtime(when)
        if planned is None:
            return send_answer(False, BAD_SENDTIME)
        start = max(start, planned)
    if len(mobiles) > MAX_NUMBERS:
        return send_answer(False, TOO_MANY)
    # CHOICE: after "包含非法字符：" (full-width colon) come the words found, in the
    # order of the vendor's list, with half-width commas between them.
    words = forbidden_in(content)
    if words:
        return send_answer(False, ILLEGAL + "：" + ",".join(words))
    # CHOICE: up to 70 UTF-16 units are one point a number, more cost one point
    # for each 67 begun.  A request is charged whole or not at all; a balance
    # exactly used up is allowed.
    price = (1 if size <= 70 else -(-size // 67)) * len(mobiles)
    if price > State.balance:
        return send_answer(False, NO_BALANCE)
    before = State.balance
    State.balance -= price
    State.task += 1
    due = start + DELAY
    for mobile in mobiles:
        # CHOICE: every number is delivered (10, DELIVRD), save those ending in
        # 9811, like the failed one of the manual's example (20, errorcode 2).
        failed = mobile.endswith("9811")
        State.reports.put(due, (mobile, State.task, 20 if failed else 10,
                                "2" if failed else "DELIVRD", extno))
        if mobile.endswith("7"):
            # CHOICE: the reply comes at the moment of the report, with the
            # extno of the sending and the manual's text; numbers that end
            # in 77 reply with characters that XML must escape.
            text = 'TD & "退订" <不需要>' if mobile.endswith("77") else "你好，我不需要"
            State.replies.put(due, (mobile, State.task, text, extno))
    # CHOICE: remainpoint is the balance after this request, a whole number;
    # successCounts counts numbers, not parts of long messages.
    remain = before if BREAK == 10 else State.balance
    return send_answer(True, "ok", remain, State.task, len(mobiles))


# CHOICE: a forbidden word is found by plain comparison, upper and lower case
# being the same, blanks or marks between its characters hiding it.
def forbidden_in(content):
    low = content.lower()
    return [w for w in FORBIDDEN if w.lower() in low]


# --------------------------------------------------------------------------
# chapters 2 and 3


def overage(form):
    bad = login(form)
    if bad:
        # CHOICE: on failure payinfo is empty, both numbers are 0.
        return [element("returnstatus", "Faild"), element("message", API_ERRORS[bad]),
                element("payinfo", ""), element("overage", 0), element("sendTotal", 0)]
    # CHOICE: the account is prepaid; sendTotal is what was ever paid in, that
    # is BALANCE, and does not fall with sending.  Whole numbers.
    left = State.balance // 10 * 10 if BREAK == 4 else State.balance
    return [element("returnstatus", "Success" if BREAK == 3 else "Sucess"),
            element("message", ""), element("payinfo", "预付费"),
            element("overage", left), element("sendTotal", BALANCE)]


def checkkeyword(form):
    bad = login(form)
    if bad:
        return [element("message", API_ERRORS[bad])]
    # CHOICE: empty content contains no forbidden word; the SQL check and the
    # limit of length are not made here.
    words = forbidden_in(form("content"))
    if not words:
        return [element("message", CLEAN)]
    return [element("message", ILLEGAL + ("：" + ",".join(words) if BREAK == 5 else ""))]


# CHOICE: action is trimmed and compared without regard to case.  A missing or
# unknown one is answered before the login is looked at, as a failed sending
# with 其他错误.
SMS_ACTIONS = {"send": send, "overage": overage, "checkkeyword": checkkeyword}


def sms_page(form):
    handler = SMS_ACTIONS.get(form("action").strip().lower())
    return handler(form) if handler else send_answer(False, OTHER)


# --------------------------------------------------------------------------
# chapters 4 and 5


def api_error(number):
    return ["<errorstatus>", element("error", number),
            element("remark", API_ERRORS[number]), "</errorstatus>"]


def status_page(form):
    # CHOICE: checks go by error number: login first, then action and
    # statusNum (both error 4).
    bad = login(form)
    if bad:
        return api_error(bad)
    if form("action").strip().lower() != "query":
        return api_error(4)
    # CHOICE: an empty statusNum is the default; below 1 or not an Int32 is
    # error 4; above 4000 counts as 4000.
    most = DEFAULT_STATUSNUM
    if form("statusNum").strip():
        most = try_int(form("statusNum"))
        if most is None or most < 1:
            return api_error(4)
    lines = []
    for due, (mobile, task, status, code, extno) in State.reports.take(min(most, MAX_ITEMS)):
        if BREAK == 8 and extno:
            extno = str(int(extno))
        # CHOICE: receivetime is the moment the report was due, not the moment
        # it was fetched.
        lines += ["<statusbox>", element("mobile", mobile), element("taskid", task),
                  element("status", status),
                  element("receivetime", short_clock(due) if BREAK == 6 else clock(due)),
                  element("errorcode", code), element("extno", extno), "</statusbox>"]
    return lines


def call_page(form):
    bad = login(form)
    if bad:
        return api_error(bad)
    # CHOICE: a statusNum is ignored here, the manual not naming it.
    if form("action").strip().lower() != "query":
        return api_error(4)
    lines = []
    for due, (mobile, task, text, extno) in State.replies.take(MAX_ITEMS):
        middle = [element("content", text), element("receivetime", clock(due))]
        if BREAK == 9:
            middle.reverse()
        lines += ["<callbox>", element("mobile", mobile), element("taskid", task),
                  *middle, element("extno", extno), "</callbox>"]
    return lines


# CHOICE: paths do not regard case (IIS); /v2statusApi and /v2callApi are
# UTF-8, the manual giving no GBK page for them.
# page -> (function, Python codec, charset name)
PAGES = {
    "/v2sms.aspx": (sms_page, "utf-8", "utf-8"),
    "/v2smsgbk.aspx": (sms_page, "gbk", "gb2312"),
    "/v2statusapi.aspx": (status_page, "utf-8", "utf-8"),
    "/v2callapi.aspx": (call_page, "utf-8", "utf-8"),
}

# --------------------------------------------------------------------------
# form data, as ASP.NET reads it

# CHOICE: gb2312 means code page 936 (GBK), as on Windows.
CODECS = {"utf-8": "utf-8", "utf8": "utf-8", "gb2312": "gbk", "gbk": "gbk",
          "gb18030": "gb18030", "big5": "big5", "iso-8859-1": "latin-1", "us-ascii": "ascii"}


def decode(raw, codec):
    # CHOICE: bytes that are wrong in the charset become U+FFFD (UTF-8) or ?
    # (others), nothing is refused; what GBK lacks is answered as ?.
    text = raw.decode(codec, "replace")
    return text if codec == "utf-8" else text.replace("\ufffd", "?")


ESCAPE = re.compile(rb"%u([0-9a-fA-F]{4})|%([0-9a-fA-F]{2})")


def url_decode(raw, codec):
    # CHOICE: HttpUtility.UrlDecode: + is a blank, %uXXXX is understood, a
    # malformed % stays as it is.
    raw = raw.replace(b"+", b" ")
    if b"%" not in raw:
        return decode(raw, codec)
    parts, pending, at = [], bytearray(), 0
    for match in ESCAPE.finditer(raw):
        pending += raw[at:match.start()]
        at = match.end()
        if match.group(1):
            parts.append(decode(bytes(pending), codec))
            parts.append(chr(int(match.group(1), 16)))
            pending.clear()
        else:
            pending.append(int(match.group(2), 16))
    pending += raw[at:]
    parts.append(decode(bytes(pending), codec))
    text = "".join(parts)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def read_pairs(raw, codec, into):
    # CHOICE: names do not regard case; a repeated name gives the values with
    # a comma between them (so mobile=a&mobile=b are two numbers).
    for piece in raw.split(b"&"):
        name, equals, value = piece.partition(b"=")
        if equals:
            into.setdefault(url_decode(name, codec).lower(), []).append(url_decode(value, codec))


def read_multipart(raw, boundary, codec, into):
    for piece in (b"\r\n" + raw).split(b"\r\n--" + boundary)[1:]:
        if piece.startswith(b"--"):
            break
        head, found, value = piece.partition(b"\r\n\r\n")
        name = re.search(rb'\bname="([^"]*)"', head, re.I)
        if found and name and not re.search(rb"\bfilename=", head, re.I):
            into.setdefault(decode(name.group(1), codec).lower(), []).append(decode(value, codec))


def read_form(query, body, content_type, codec):
    # CHOICE: charset=... in the request's Content-Type has the last word over
    # the encoding of the page, if there is a body (HttpRequest.ContentEncoding);
    # the answer keeps the encoding of the page.
    match = re.search(r'charset\s*=\s*"?([^\s";]+)', content_type, re.I)
    if match and body:
        codec = CODECS.get(match.group(1).lower(), codec)
    fields, posted = {}, {}
    read_pairs(query, codec, fields)
    kind = content_type.split(";")[0].strip().lower()
    # CHOICE: a body of another kind (JSON, text, no Content-Type) is not a
    # form, so its fields are missing.  multipart/form-data is read too.
    if kind == "application/x-www-form-urlencoded":
        read_pairs(body, codec, posted)
    elif kind == "multipart/form-data":
        match = re.search(r'boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))', content_type, re.I)
        if match:
            boundary = (match.group(1) or match.group(2)).encode("latin-1", "replace")
            read_multipart(body, boundary, codec, posted)
    # CHOICE: Request["x"]: the query string wins over the body.
    for name, values in posted.items():
        fields.setdefault(name, values)
    return lambda name: ",".join(fields.get(name.lower(), ()))


# --------------------------------------------------------------------------
# HTTP/1.1

MAX_HEAD = 16 * 1024
MAX_FORM = 4 * 1024 * 1024
MAX_BODY = 30 * 1024 * 1024
IDLE = 120
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
           408: "Request Timeout", 411: "Length Required", 413: "Request Entity Too Large",
           500: "Internal Server Error", 501: "Not Implemented",
           505: "HTTP Version Not Supported"}
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Refused(Exception):
    """The request cannot be read: answer and close."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


async def read_line(reader, room):
    # CHOICE: a bare LF ends a line too; 16 KB of head are the limit (400).
    try:
        line = await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError:
        raise Refused(400) from None
    if len(line) > room:
        raise Refused(400)
    return line


async def read_head(reader):
    room = MAX_HEAD
    line = await read_line(reader, room)
    for _ in range(4):
        if line.strip(b"\r\n"):
            break
        line = await read_line(reader, room)
    room -= len(line)
    words = line.decode("latin-1").rstrip("\r\n").split(" ")
    if len(words) != 3 or not TOKEN.fullmatch(words[0]):
        raise Refused(400)
    if not re.fullmatch(r"HTTP/[0-9]\.[0-9]", words[2]):
        raise Refused(400)
    if words[2] not in ("HTTP/1.0", "HTTP/1.1"):
        raise Refused(505)
    headers = {}
    while True:
        line = await read_line(reader, room)
        room -= len(line)
        text = line.decode("latin-1").rstrip("\r\n")
        if not text:
            break
        name, colon, value = text.partition(":")
        if not colon or not TOKEN.fullmatch(name):
            raise Refused(400)
        name, value = name.lower(), value.strip(" \t")
        if name in headers:
            if name in ("content-length", "host"):
                raise Refused(400)
            value = headers[name] + ", " + value
        headers[name] = value
    if words[2] == "HTTP/1.1" and "host" not in headers:
        raise Refused(400)
    return words[0], words[1], words[2], headers


async def read_chunks(reader):
    body = bytearray()
    while True:
        line = await read_line(reader, 1024)
        size = line.split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size):
            raise Refused(400)
        size = int(size, 16)
        if len(body) + size > MAX_BODY:
            raise Refused(413)
        if not size:
            break
        body += await reader.readexactly(size)
        if (await read_line(reader, 2)).strip(b"\r\n"):
            raise Refused(400)
    room = MAX_HEAD
    while True:
        line = await read_line(reader, room)
        room -= len(line)
        if not line.strip(b"\r\n"):
            return bytes(body)


async def read_body(reader, writer, method, version, headers):
    coding = headers.get("transfer-encoding")
    size = 0
    if coding is not None:
        if coding.lower() != "chunked":
            raise Refused(501)
    elif "content-length" in headers:
        if not re.fullmatch(r"[0-9]{1,15}", headers["content-length"]):
            raise Refused(400)
        size = int(headers["content-length"])
        if size > MAX_BODY:
            raise Refused(413)
    # CHOICE: a POST without a length is 411, as http.sys has it.
    elif method == "POST":
        raise Refused(411)
    if headers.get("expect", "").lower() == "100-continue" and version == "HTTP/1.1" and (size or coding):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
    return await read_chunks(reader) if coding is not None else await reader.readexactly(size)


def response(status, content_type, body, close, version, method, extra=()):
    # CHOICE: headers of IIS 6 with ASP.NET 2.0; answers always have a
    # Content-Length, never chunks, never compression, no cookie.
    lines = ["HTTP/1.1 %d %s" % (status, REASONS[status]),
             "Date: " + formatdate(usegmt=True), "Server: Microsoft-IIS/6.0",
             "X-Powered-By: ASP.NET"]
    lines += extra
    lines += ["Content-Type: " + content_type, "Content-Length: %d" % len(body)]
    if close:
        lines.append("Connection: close")
    elif version == "HTTP/1.0":
        lines.append("Connection: keep-alive")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return head if method == "HEAD" else head + body


def error_response(status, close, version, method="GET", extra=()):
    # CHOICE: trouble below the pages (path, method, HTTP) is a short HTML page.
    text = "<html><head><title>%s</title></head><body><h1>%d %s</h1></body></html>" % (
        REASONS[status], status, REASONS[status])
    return response(status, "text/html", text.encode(), close, version, method, extra)


def answer(method, target, version, headers, body, close):
    if re.match(r"https?://", target, re.I):
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path, _, query = target.partition("#")[0].partition("?")
    page = PAGES.get(url_decode(path.replace("+", "%2B").encode("latin-1"), "utf-8").lower())
    if page is None:
        return error_response(404, close, version, method)
    # CHOICE: the manual says POST; the pages use Request["x"], so GET works
    # as well, and HEAD runs the page like a GET.  Others get 405.
    if method not in ("GET", "HEAD", "POST"):
        return error_response(405, close, version, method, ["Allow: GET, HEAD, POST"])
    # CHOICE: above 4 MB (maxRequestLength) the page fails with 500.
    if len(body) > MAX_FORM:
        return error_response(500, close, version, method)
    handler, codec, charset = page
    try:
        form = read_form(query.encode("latin-1"), body, headers.get("content-type", ""), codec)
        text = document(handler(form), charset)
    except Exception as error:  # a fault of this program: as a yellow page
        print("error: %r" % error, file=sys.stderr, flush=True)
        return error_response(500, close, version, method)
    # CHOICE: Content-Type is that of a bare Response.Write, text/html, not
    # text/xml; refusals of a page have HTTP status 200.
    return response(200, "text/html; charset=" + charset, text.encode(codec, "replace"),
                    close, version, method,
                    ["X-AspNet-Version: 2.0.50727", "Cache-Control: private"])


async def serve(reader, writer):
    try:
        while True:
            # CHOICE: an idle or slow connection is closed after 120 seconds.
            try:
                async with asyncio.timeout(IDLE):
                    method, target, version, headers = await read_head(reader)
                    body = await read_body(reader, writer, method, version, headers)
            except Refused as refused:
                writer.write(error_response(refused.status, True, "HTTP/1.1"))
                await writer.drain()
                break
            words = [w.strip() for w in headers.get("connection", "").lower().split(",")]
            close = "close" in words or (version == "HTTP/1.0" and "keep-alive" not in words)
            # both lengths given: the chunks were read, and nothing after them
            if "transfer-encoding" in headers and "content-length" in headers:
                close = True
            writer.write(answer(method, target, version, headers, body, close))
            async with asyncio.timeout(IDLE):
                await writer.drain()
            if close:
                break
    except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
        pass
    except asyncio.CancelledError:  # the server stops
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", PORT, limit=MAX_HEAD, backlog=512)
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    print("listening on %d" % server.sockets[0].getsockname()[1], flush=True)
    await done.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
