// "Harbour" SMS platform: HTTP API as in the customer manual (chapters 1-5). Node 18+, standard library only.
import http from 'node:http';
import { createHash } from 'node:crypto';

// ---------------------------------------------------------------- settings
function die(text) { console.error(text); process.exit(2); }
function number(name, fallback, whole) {
  const raw = process.env[name];
  if (raw === undefined || raw === '') return fallback;
  const value = Number(raw);
  if (!Number.isFinite(value) || value < 0 || (whole && !Number.isInteger(value))) die(`${name} is not valid: ${raw}`);
  return value;
}
const PORT = number('PORT', 8092, true);
const USERID = process.env.USERID || '12';
const ACCOUNT = process.env.ACCOUNT || 'test';
const PASSWORD = process.env.PASSWORD || 'mima';
const BALANCE = number('BALANCE', 100000, true);
const DELAY_MS = Math.round(number('DELAY', 1, false) * 1000);
// CHOICE: several forbidden words are separated by half-width or full-width commas; set but empty means none.
const FORBIDDEN = (process.env.FORBIDDEN ?? '发票').split(/[,，]/).map((w) => w.trim()).filter(Boolean);
const BREAK = number('BREAK', 0, true);
if (BREAK > 10 || (BREAK === 0 && process.env.BREAK)) die('BREAK must be empty or 1..10');

// CHOICE: at most 5000 numbers per submission (counted after removing duplicates).
const MAX_NUMBERS = 5000;
// CHOICE: at most 500 characters (UTF-16 units, as the gateways count) per content.
const MAX_CONTENT = 500;
// CHOICE: one point per part; a short message has up to 70 characters, a part of a long one 67.
const parts = (text) => (text.length <= 70 ? 1 : Math.ceil(text.length / 67));
// CHOICE: a statusNum above 4000 is silently lowered to 4000; 4000 is also the manual's default.
const MAX_STATUS = 4000;
const DEFAULT_STATUS = BREAK === 7 ? 500 : 4000;
// CHOICE: the reply page takes no count; it hands out at most 1000 replies per call, the rest with the next call.
const MAX_REPLIES = 1000;
// CHOICE: a scheduled message may lie at most 30 days ahead.
const MAX_AHEAD_MS = 30 * 24 * 3600 * 1000;
// CHOICE: request bodies above 2 MB are refused with HTTP 413.
const MAX_BODY = 2 * 1024 * 1024;

// ---------------------------------------------------------------- character sets
const utf8Decoder = new TextDecoder('utf-8');
const gbkDecoder = new TextDecoder('gbk');
const gbkTable = new Map();
{
  const pair = new Uint8Array(2);
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      if (trail === 0x7f) continue;
      pair[0] = lead; pair[1] = trail;
      const ch = gbkDecoder.decode(pair);
      if (ch.length === 1 && ch !== '\ufffd' && ch.charCodeAt(0) > 0x7f && !gbkTable.has(ch)) gbkTable.set(ch, (lead << 8) | trail);
    }
  }
}
function encodeGbk(text) {
  const out = [];
  for (const ch of text) {
    const code = ch.codePointAt(0);
    if (code < 0x80) { out.push(code); continue; }
    const two = gbkTable.get(ch);
    // CHOICE: a character which GBK lacks is answered as "?".
    if (two === undefined) out.push(0x3f); else out.push(two >> 8, two & 0xff);
  }
  return Buffer.from(out);
}
// CHOICE: the GBK page calls itself "gb2312" (the manual's word) in declaration and header, and really reads and
// writes the whole of GBK. The other pages say utf-8, in lower case, without a byte order mark.
const UTF8 = { name: 'utf-8', decode: (b) => utf8Decoder.decode(b), encode: (t) => Buffer.from(t, 'utf8') };
const GBK = { name: 'gb2312', decode: (b) => gbkDecoder.decode(b), encode: encodeGbk };

// ---------------------------------------------------------------- time
// CHOICE: all times are China Standard Time (UTC+8) whatever the zone of the machine.
const ZONE_MS = 8 * 3600 * 1000;
const two = (n) => String(n).padStart(2, '0');
function fields(ms) {
  const d = new Date(ms + ZONE_MS);
  return [d.getUTCFullYear(), d.getUTCMonth() + 1, d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()];
}
function dateTime(ms) {
  const [y, mo, d, h, mi, s] = fields(ms);
  return `${y}-${two(mo)}-${two(d)} ${two(h)}:${two(mi)}:${two(s)}`;
}
function dateTimeSlashes(ms) {
  const [y, mo, d, h, mi, s] = fields(ms);
  return `${y}/${mo}/${d} ${h}:${two(mi)}:${two(s)}`;
}
// A calendar time from six numbers, or NaN if there is no such time.
function instant(y, mo, d, h, mi, s) {
  const ms = Date.UTC(y, mo - 1, d, h, mi, s) - ZONE_MS;
  const back = fields(ms);
  return [y, mo, d, h, mi, s].every((n, i) => n === back[i]) ? ms : NaN;
}

// ---------------------------------------------------------------- state
// CHOICE: everything lives in memory; a restart forgets queues and restores the balance.
let balance = BALANCE;
// CHOICE: task ids are whole numbers which rise by 1, starting at the start-up time in seconds (10 digits), so that
// they do not repeat after a restart.
let lastTask = BigInt(Math.floor(Date.now() / 1000));
if (BREAK === 3) lastTask = BigInt(dateTime(Date.now()).replace(/\D/g, '') + '0000');
const newTask = () => String(++lastTask);

let waiting = []; // batches {due, seq, reports, replies} whose time has not come
let batchCount = 0;
const reports = [];
const replies = [];
// Node runs each handler to its end on one thread: settle() and splice() hand every item out exactly once.
function settle() {
  const now = Date.now();
  const due = waiting.filter((b) => b.due <= now);
  if (!due.length) return;
  waiting = waiting.filter((b) => b.due > now);
  // CHOICE: oldest first; within one task in the order of the submitted numbers.
  due.sort((a, b) => a.due - b.due || a.seq - b.seq);
  for (const b of due) {
    for (const r of b.reports) reports.push(r);
    for (const r of b.replies) replies.push(r);
  }
}
// CHOICE: what subscribers answer, by the last but one digit of the number (10th of 11).
const ANSWERS = ['收到，谢谢', '你好，我不需要', 'TD', '周一 & 周二 <都可以>', '你好，本次活动路线是怎么的'];

function enqueue(task, numbers, extno, start) {
  const due = start + DELAY_MS;
  const batch = { due, seq: ++batchCount, reports: [], replies: [] };
  for (const mobile of numbers) {
    // CHOICE: numbers that end in 44 are not reachable: status 20, errorcode UNDELIV, not refunded. All others arrive:
    // status 10, DELIVRD. One report per number and task, also for a message of several parts.
    const failed = mobile.endsWith('44');
    batch.reports.push({ mobile, task, status: failed ? '20' : '10', time: due, errorcode: failed ? 'UNDELIV' : 'DELIVRD', extno });
    // CHOICE: a reply becomes available in the same moment as the report.
    if (mobile.endsWith('7')) batch.replies.push({ mobile, task, content: ANSWERS[Number(mobile[9]) % ANSWERS.length], time: due, extno });
  }
  waiting.push(batch);
}

// ---------------------------------------------------------------- XML
const clean = (s) => String(s).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');
const escape = (s) => clean(s).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
// CHOICE: plain escaped text everywhere; only what a subscriber wrote (content of a reply) is in CDATA.
const cdata = (s) => `<![CDATA[${clean(s).replace(/]]>/g, ']]]]><![CDATA[>')}]]>`;
// CHOICE: an empty element is written <x></x>, as in the manual's sample, never <x/>.
const el = (name, value) => `<${name}>${escape(value)}</${name}>`;
// CHOICE: CRLF line ends, one element per line, indent of one blank per level, declaration with the manual's blank
// before "?>", no line end after </returnsms>.
const EOL = '\r\n';
function documentOf(charset, lines) {
  return [`<?xml version="1.0" encoding="${charset.name}" ?>`, '<returnsms>', ...lines.map((l) => ' ' + l), '</returnsms>'].join(EOL);
}
const box = (name, children) => [`<${name}>`, ...children.map((c) => ' ' + c), `</${name}>`];

// ---------------------------------------------------------------- parameters
const HEX = (b) => (b >= 48 && b <= 57 ? b - 48 : b >= 65 && b <= 70 ? b - 55 : b >= 97 && b <= 102 ? b - 87 : -1);
// CHOICE: a "%" which no two hex digits follow stays as it is; bytes not percent-encoded are taken as they come, in the
// page's character set; bytes which are wrong in that set become U+FFFD and are sent like that (no refusal).
function unescapeBytes(raw) {
  const out = Buffer.allocUnsafe(raw.length);
  let n = 0;
  for (let i = 0; i < raw.length; i++) {
    const b = raw[i];
    if (b === 0x2b) out[n++] = 0x20;
    else if (b === 0x25 && i + 2 < raw.length && HEX(raw[i + 1]) >= 0 && HEX(raw[i + 2]) >= 0) {
      out[n++] = HEX(raw[i + 1]) * 16 + HEX(raw[i + 2]); i += 2;
    } else out[n++] = b;
  }
  return out.subarray(0, n);
}
function addParameters(target, raw, charset) {
  let from = 0;
  while (from < raw.length) {
    let to = raw.indexOf(0x26, from);
    if (to < 0) to = raw.length;
    const pair = raw.subarray(from, to);
    from = to + 1;
    const eq = pair.indexOf(0x3d);
    if (eq < 0) continue;
    // CHOICE: names are compared without regard to case and surrounding blanks ("sign =" stands in the manual's own
    // examples); of a parameter given several times the first one counts.
    const name = charset.decode(unescapeBytes(pair.subarray(0, eq))).trim().toLowerCase();
    if (name && !target.has(name)) target.set(name, charset.decode(unescapeBytes(pair.subarray(eq + 1))));
  }
}
// CHOICE: surrounding blanks of every parameter but content are ignored.
const get = (p, name) => (p.get(name) ?? '').trim();

// 0: fine; 1: something is empty; 2: wrong
function login(p) {
  const userid = get(p, 'userid'), timestamp = get(p, 'timestamp'), sign = get(p, 'sign');
  // CHOICE: userid, timestamp and sign are all "user name or password": any of them empty is error 1.
  if (!userid || !timestamp || !sign) return 1;
  // CHOICE: a timestamp which is not 14 digits and a real time counts as a wrong login. Its age is not checked, and the
  // same one can be used again (the clocks of customers are not reliable).
  const t = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(timestamp);
  if (!t || Number.isNaN(instant(...t.slice(1).map(Number)))) return 2;
  // CHOICE: a sign in upper case is wrong (the manual asks for lower case).
  const right = createHash('md5').update(ACCOUNT + PASSWORD + timestamp, 'utf8').digest('hex');
  return userid === USERID && sign === right ? 0 : 2;
}
const LOGIN_TEXT = ['', '用户名或密码不能为空', '用户名或密码错误'];

// CHOICE: matching is by plain substring, without regard to case; blanks between characters are not skipped.
function forbiddenIn(text) {
  const low = text.toLowerCase();
  return FORBIDDEN.filter((w) => low.includes(w.toLowerCase()));
}
// CHOICE: what counts as SQL injection: typical statements, not a lone quote or semicolon; only action=send looks for it.
const SQL = /'\s*(or|and)\s+['\d]|;\s*--|\b(drop|truncate)\s+table\b|\bunion\s+(all\s+)?select\b|\bdelete\s+from\b|\binsert\s+into\b|\bxp_cmdshell\b/i;

// ---------------------------------------------------------------- chapter 1: send
function send(p) {
  const answer = (status, message, point, task, count) => [
    el('returnstatus', status), el('message', message), el('remainpoint', point), el('taskID', task), el('successCounts', count)];
  // CHOICE: a refusal has all five elements; taskID and successCounts are 0, remainpoint is the balance, but 0 when the
  // login failed.
  const bad = login(p);
  if (bad) return answer('Faild', LOGIN_TEXT[bad], 0, 0, 0);
  const refuse = (message) => answer('Faild', message, balance, 0, 0);
  // CHOICE: the checks come in this order, the first one that fails is answered.
  if (get(p, 'action').toLowerCase() !== 'send') return refuse('参数不正确'); // CHOICE: text for an unknown action
  const mobile = get(p, 'mobile');
  if (!mobile.replace(/[,\s]/g, '')) return refuse('短信号码不能为空');
  const content = p.get('content') ?? '';
  // CHOICE: content of blanks only is empty; otherwise content is taken as it is, a 【signature】 is neither asked for nor added.
  if (!content.trim()) return refuse('短信内容不能为空');
  if (SQL.test(content)) return refuse('发送内容包含sql注入字符');
  // CHOICE: the words found follow the manual's full-width colon, separated by half-width commas, in the list's order.
  const words = forbiddenIn(content);
  if (words.length) return refuse('包含非法字符：' + words.join(','));
  // CHOICE: texts of the refusals which the manual does not list.
  if (content.length > MAX_CONTENT) return refuse(`短信内容不能超过${MAX_CONTENT}个字`);
  const extno = get(p, 'extno');
  // CHOICE: extension numbers are supported on every channel; 1 to 10 digits, leading zeros are kept.
  if (!/^[0-9]{0,10}$/.test(extno)) return refuse('扩展子号不正确');
  const now = Date.now();
  let start = now;
  const sendTime = get(p, 'sendtime');
  if (sendTime) {
    // CHOICE: only exactly the manual's format; a time in the past means at once; points are taken at submission.
    const t = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)$/.exec(sendTime);
    const at = t ? instant(...t.slice(1).map(Number)) : NaN;
    if (Number.isNaN(at)) return refuse('定时发送时间格式不正确');
    if (at > now + MAX_AHEAD_MS) return refuse('定时发送时间不能超过30天');
    if (at > now) start = at;
  }
  // CHOICE: only mainland mobile numbers of 11 digits without prefix; others and repetitions are left out silently and
  // neither charged nor counted. If none is left the submission is refused.
  const numbers = [...new Set(mobile.split(',').map((m) => m.trim()))].filter((m) => /^1[3-9][0-9]{9}$/.test(m));
  if (!numbers.length) return refuse('短信号码不正确');
  if (numbers.length > MAX_NUMBERS) return refuse(`每次提交的号码不能超过${MAX_NUMBERS}个`);
  const cost = numbers.length * parts(content);
  // CHOICE: all or nothing; a submission that costs exactly the balance is accepted.
  if (cost > balance) return refuse(BREAK === 1 ? '对不起，您当前要发送的条数大于您当前余额' : '对不起，您当前要发送的量大于您当前余额');
  balance -= cost;
  const task = newTask();
  enqueue(task, numbers, extno, start);
  // CHOICE: successCounts is the number of accepted mobile numbers; remainpoint is the balance after the submission.
  return answer('Success', 'ok', balance, task, BREAK === 2 ? cost : numbers.length);
}

// ---------------------------------------------------------------- chapter 2: balance
function overage(p) {
  const answer = (status, message, pay, left, total) => [
    el('returnstatus', status), el('message', message), el('payinfo', pay), el('overage', left), el('sendTotal', total)];
  const bad = login(p);
  // CHOICE: a failed login has all five elements, payinfo empty, the numbers 0.
  if (bad) return answer('Faild', LOGIN_TEXT[bad], '', 0, 0);
  // CHOICE: numbers are whole, without separators. The account is prepaid; sendTotal is what was ever charged up.
  const figure = (n) => (BREAK === 5 ? n.toFixed(2) : n);
  return answer(BREAK === 4 ? 'Success' : 'Sucess', '', '预付费', figure(balance), figure(BALANCE));
}

// ---------------------------------------------------------------- chapter 3: forbidden words
function checkKeyword(p) {
  const bad = login(p);
  if (bad) return [el('message', LOGIN_TEXT[bad])];
  // CHOICE: empty content is no error here (the manual lists none): nothing forbidden in it. The words found are not named.
  const words = forbiddenIn(p.get('content') ?? '');
  if (!words.length) return [el('message', '没有包含屏蔽词')];
  return [el('message', BREAK === 6 ? '包含非法字符：' + words.join(',') : '包含非法字符')];
}

// CHOICE: actions are compared without regard to case; an unknown or missing one is answered in the form of "send".
function smsPage(p) {
  const action = get(p, 'action').toLowerCase();
  if (action === 'overage') return overage(p);
  if (action === 'checkkeyword') return checkKeyword(p);
  return send(p);
}

// ---------------------------------------------------------------- chapters 4 and 5
const ERROR_TEXT = { 1: LOGIN_TEXT[1], 2: LOGIN_TEXT[2], 3: '该用户不允许查看状态报告', 4: '参数不正确' };
// CHOICE: error 3 never happens, the one account may read both queues.
const failure = (code) => box('errorstatus', [el('error', code), el('remark', ERROR_TEXT[code])]);

// CHOICE: an empty queue is answered with a <returnsms> without children (start and end tag on lines of their own).
function statusPage(p) {
  const bad = login(p);
  if (bad) return failure(bad);
  if (get(p, 'action').toLowerCase() !== 'query') return failure(4);
  const raw = get(p, 'statusnum');
  // CHOICE: statusNum is digits only and at least 1; anything else is error 4 and takes nothing from the queue.
  if (raw && (!/^[0-9]+$/.test(raw) || Number(raw) < 1)) return failure(4);
  settle();
  // CHOICE: what has been handed out counts as fetched, even if the connection breaks while it is transferred.
  const items = reports.splice(0, raw ? Math.min(Number(raw), MAX_STATUS) : DEFAULT_STATUS);
  // CHOICE: receivetime has the manual's format and is the moment the report came in, not the one of the query.
  return items.flatMap((r) => box('statusbox', [
    el('mobile', r.mobile), el('taskid', r.task), el('status', r.status),
    el('receivetime', BREAK === 8 ? dateTimeSlashes(r.time) : dateTime(r.time)),
    el('errorcode', r.errorcode), el('extno', r.extno)]));
}

function replyPage(p) {
  const bad = login(p);
  if (bad) return failure(bad);
  if (get(p, 'action').toLowerCase() !== 'query') return failure(4);
  settle();
  const items = replies.splice(0, MAX_REPLIES);
  return items.flatMap((r) => {
    const content = `<content>${cdata(r.content)}</content>`, time = el('receivetime', dateTime(r.time));
    // CHOICE: extno is repeated as it was submitted, leading zeros included.
    const extno = el('extno', BREAK === 9 && r.extno ? BigInt(r.extno) : r.extno);
    return box('callbox', [el('mobile', r.mobile), el('taskid', r.task), ...(BREAK === 10 ? [time, content] : [content, time]), extno]);
  });
}

// ---------------------------------------------------------------- HTTP
// CHOICE: paths are compared without regard to case; there is no GBK variant of the report and reply pages.
const PAGES = {
  '/v2sms.aspx': [UTF8, smsPage],
  '/v2smsgbk.aspx': [GBK, smsPage],
  '/v2statusapi.aspx': [UTF8, statusPage],
  '/v2callapi.aspx': [UTF8, replyPage],
};
function reply(res, status, type, body, extra = {}) {
  // CHOICE: Server header of the brand; nothing may be cached.
  res.writeHead(status, { Server: 'Harbour-Gateway/3.2', 'Content-Type': type, 'Cache-Control': 'private, no-store', 'Content-Length': body.length, ...extra });
  res.end(body);
}
const plain = (res, status, text, extra) => reply(res, status, 'text/plain; charset=utf-8', Buffer.from(text + '\n'), extra);

const server = http.createServer((req, res) => {
  const mark = req.url.indexOf('?');
  const path = (mark < 0 ? req.url : req.url.slice(0, mark)).toLowerCase();
  const page = Object.hasOwn(PAGES, path) ? PAGES[path] : null;
  // CHOICE: unknown path 404, any method but POST 405, both as plain text; everything else is HTTP 200 with XML.
  if (!page) { req.resume(); return plain(res, 404, 'Not Found'); }
  if (req.method !== 'POST') { req.resume(); return plain(res, 405, 'Method Not Allowed', { Allow: 'POST' }); }
  const chunks = [];
  let size = 0;
  req.on('error', () => {});
  req.on('data', (chunk) => {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
    else if (!res.headersSent) { chunks.length = 0; plain(res, 413, 'Request Entity Too Large', { Connection: 'close' }); }
  });
  req.on('end', () => {
    if (res.headersSent) return;
    try {
      const [charset, handler] = page;
      const p = new Map();
      // CHOICE: the Content-Type of the request is ignored, the body is always read as a form (multipart is not
      // supported). Parameters may also stand in the URL of the POST; those in the body win.
      addParameters(p, Buffer.concat(chunks), charset);
      if (mark >= 0) addParameters(p, Buffer.from(req.url.slice(mark + 1), 'latin1'), charset);
      const body = charset.encode(documentOf(charset, handler(p)));
      // CHOICE: text/xml, with the page's character set in lower case.
      reply(res, 200, `text/xml; charset=${charset.name}`, body);
    } catch (error) {
      console.error(error);
      if (!res.headersSent) plain(res, 500, 'Internal Server Error');
    }
  });
});
server.on('error', (error) => die(String(error)));
server.listen(PORT, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
