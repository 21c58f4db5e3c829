// A stand-in for the SMS vendor described in the manual (客户接口说明).
// Comments that begin with "CHOICE" mark places where the manual is silent.
import http from 'node:http';
import { createHash } from 'node:crypto';

const env = process.env;
const PORT = Number(env.PORT ?? 8080);
const USERID = env.USERID ?? '12';
const ACCOUNT = env.ACCOUNT ?? 'test';
const PASSWORD = env.PASSWORD ?? 'mima';
const TOTAL = Number(env.BALANCE || 100000); // all points ever bought
const FORBIDDEN = env.FORBIDDEN ?? '发票';
const DELAY_MS = Number(env.DELAY || 1) * 1000;
const BREAK = Number(env.BREAK || 0);
const broken = (number) => BREAK === number; // see breaks.json

// ---------------------------------------------------------------- state
// Node runs handle() to its end before it starts another, and handle() never awaits:
// that alone makes concurrent requests safe.
let balance = TOTAL;
let lastTask = 0;
let lastTaskSecond = -1; // break 5 only
let reports = []; // {due, mobile, taskid, extno}
let replies = []; // {due, mobile, taskid, extno, content}

// ---------------------------------------------------------------- XML
// CHOICE: CDATA around every text, also numbers and empty ones; no white space between elements;
// the declaration exactly as the manual prints it (with a space before ?>), no line end after it.
const cdata = (text) => `<![CDATA[${String(text).replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;
const element = (name, inner) => `<${name}>${inner}</${name}>`;
const fields = (pairs) => pairs.map(([name, text]) => element(name, cdata(text))).join('');
const document = (inner) => `<?xml version="1.0" encoding="utf-8" ?>${element('returnsms', inner)}`;

// ---------------------------------------------------------------- time
// CHOICE: every time is Beijing time (UTC+8, no summer time), whatever zone the machine is in.
const BEIJING_MS = 8 * 3600 * 1000;
const formatTime = (ms) => new Date(ms + BEIJING_MS).toISOString().slice(0, 19).replace('T', ' ');
function parseTime(text) {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return NaN;
  const ms = Date.parse(text.replace(' ', 'T') + 'Z') - BEIJING_MS;
  return Number.isNaN(ms) || formatTime(ms) !== text ? NaN : ms; // 02-30 is no date
}

// ---------------------------------------------------------------- forms
// CHOICE: only the POST body is read (not the query string), as urlencoded whatever its Content-Type says.
// CHOICE: bytes that are wrong in the page's charset become U+FFFD; they are no error.
// CHOICE: the first of two parameters of one name counts; names are case-sensitive.
// CHOICE: names are trimmed, because the manual's examples print "sign =" while its tables say "sign".
// A missing parameter is the same as an empty one.
function parseForm(body, charset) {
  const decoder = new TextDecoder(charset);
  const decode = (raw) => {
    const bytes = raw.replaceAll('+', ' ')
      .replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    return decoder.decode(Buffer.from(bytes, 'latin1'));
  };
  const form = new Map();
  for (const pair of body.toString('latin1').split('&')) {
    if (pair === '') continue;
    const cut = pair.indexOf('=');
    const name = decode(cut < 0 ? pair : pair.slice(0, cut)).trim();
    const value = cut < 0 ? '' : decode(pair.slice(cut + 1));
    if (!form.has(name)) form.set(name, value);
  }
  return (name) => form.get(name) ?? '';
}

// ---------------------------------------------------------------- who is it
const EMPTY_LOGIN = '用户名或密码不能为空';
const WRONG_LOGIN = '用户名或密码错误';

// Returns null for a good login.
// CHOICE: "用户名或密码" stands for userid, timestamp and sign: any of them empty is EMPTY_LOGIN,
// any wrong one (also a timestamp that is not 14 digits) is WRONG_LOGIN.
// CHOICE: the timestamp's age is not checked (the manual's own example of 2012 works), nor is reuse.
function loginFault(get, upperCaseToo = false) {
  const [userid, timestamp, sign] = ['userid', 'timestamp', 'sign'].map(get);
  if (userid === '' || timestamp === '' || sign === '') return EMPTY_LOGIN;
  const right = createHash('md5').update(ACCOUNT + PASSWORD + timestamp, 'utf8').digest('hex');
  const given = upperCaseToo ? sign.toLowerCase() : sign;
  return userid === USERID && /^\d{14}$/.test(timestamp) && given === right ? null : WRONG_LOGIN;
}

// ---------------------------------------------------------------- chapter 1: send
// CHOICE: what looks like SQL injection.
const SQL = /'\s*(or|and)\s|'\s*;|'\s*--|\bunion\s+select\b|\bselect\s+.+\s+from\s|\b(drop|truncate)\s+table\b|\bdelete\s+from\b|\binsert\s+into\b|\bxp_cmdshell\b/i;

// CHOICE: 70 characters (UTF-16 units) are one point; a longer text costs one point for each begun 67.
const pointsFor = (content) => (content.length <= 70 ? 1 : Math.ceil(content.length / 67));

// CHOICE: a number is 1 and ten more digits; blanks around it and empty places in the list are ignored,
// a number given twice is sent once, a wrong number is dropped: not charged, not counted, not reported.
const mobilesIn = (list) =>
  [...new Set(list.split(',').map((part) => part.trim()))].filter((part) => /^1\d{10}$/.test(part));

// CHOICE: task numbers are the clock's milliseconds, or one above the last: 13 digits, unique over restarts.
function nextTask(now) {
  const second = Math.floor(now / 1000);
  if (broken(5) && second === lastTaskSecond) return lastTask;
  lastTaskSecond = second;
  lastTask = Math.max(now, lastTask + 1);
  return lastTask;
}

function sendAnswer(status, message, remainpoint, taskID, successCounts) {
  return document(fields([
    ['returnstatus', status], ['message', message], ['remainpoint', remainpoint],
    ['taskID', taskID], ['successCounts', successCounts],
  ]));
}

function send(get) {
  // CHOICE: in a refusal taskID is empty and successCounts is 0; remainpoint is the true balance
  // once the login is good, and 0 before that.
  const refuse = (message) => sendAnswer('Faild', message, balance, '', 0);
  const fault = loginFault(get, broken(2));
  if (fault) return sendAnswer('Faild', fault, 0, '', 0);

  // CHOICE: the order of checks: login, number, content, SQL, sendTime, extno, forbidden word, numbers, balance.
  const content = get('content');
  const sendTime = get('sendTime').trim();
  const extno = get('extno').trim();
  if (get('mobile').trim() === '') return refuse('短信号码不能为空');
  // CHOICE: a text of blanks only is empty.
  if (content.trim() === '') return refuse('短信内容不能为空');
  if (SQL.test(content)) return refuse('发送内容包含sql注入字符');

  // CHOICE: a wrong sendTime, a wrong extno, and a list without one good number are "其他错误".
  // CHOICE: a sendTime in the past means now.
  const now = Date.now();
  let start = now;
  if (sendTime !== '') {
    const wanted = parseTime(sendTime);
    if (Number.isNaN(wanted)) return refuse('其他错误');
    if (!broken(4)) start = Math.max(now, wanted);
  }
  // CHOICE: this account's channel supports extno.
  if (!(broken(3) ? /^\d{0,11}$/ : /^\d{0,10}$/).test(extno)) return refuse('其他错误');
  // CHOICE: the forbidden word follows the colon.
  if (FORBIDDEN !== '' && content.includes(FORBIDDEN)) return refuse('包含非法字符：' + FORBIDDEN);
  const mobiles = mobilesIn(get('mobile'));
  if (mobiles.length === 0) return refuse('其他错误');

  // CHOICE: all or nothing; a scheduled message is paid for when it is handed in.
  const price = pointsFor(content) * mobiles.length;
  if (price > balance && !broken(7)) return refuse('对不起，您当前要发送的量大于您当前余额');
  const before = balance;
  balance -= price;

  const taskid = nextTask(now);
  const due = start + DELAY_MS;
  // CHOICE: one report for each number, however many parts its text has.
  for (const mobile of mobiles) {
    reports.push({ due, mobile, taskid, extno });
    if (mobile.endsWith('7')) replies.push({ due, mobile, taskid, extno, content: replyFrom(mobile) });
  }
  // CHOICE: successCounts counts numbers, not parts or points.
  return sendAnswer('Success', 'ok', broken(1) ? before : balance, taskid, mobiles.length);
}

// CHOICE: what people answer depends on the last but one digit; one answer has signs that XML must protect.
function replyFrom(mobile) {
  const texts = ['你好，我不需要', '你好，本次活动路线是怎么的', 'TD', 'a<b & "c"> ]]> 谢谢😀', '收到\n第二行'];
  return texts[Number(mobile.at(-2)) % texts.length];
}

// ---------------------------------------------------------------- chapter 2: overage
function overage(get) {
  const fault = loginFault(get);
  // CHOICE: in a refusal payinfo is empty and both counts are 0.
  const values = fault
    ? ['Faild', fault, '', 0, 0]
    // CHOICE: the account is a prepaid one; points are never added.
    : [broken(8) ? 'Success' : 'Sucess', broken(9) ? 'ok' : '', '预付费', balance, broken(10) ? balance : TOTAL];
  const names = ['returnstatus', 'message', 'payinfo', 'overage', 'sendTotal'];
  return document(fields(names.map((name, i) => [name, values[i]])));
}

// ---------------------------------------------------------------- chapter 3: checkkeyword
// CHOICE: an empty content holds no forbidden word; the word itself is not named here
// (the table of chapter 3 has no colon, that of chapter 1 has one).
function checkKeyword(get) {
  const content = get('content');
  const found = FORBIDDEN !== '' && (broken(11) ? content.startsWith(FORBIDDEN) : content.includes(FORBIDDEN));
  const bad = broken(12) ? '包含非法字符：' : '包含非法字符';
  return document(fields([['message', loginFault(get) ?? (found ? bad : '没有包含屏蔽词')]]));
}

// CHOICE: an unknown or missing action is refused in the layout of send: a bad login first, then "其他错误".
function unknownAction(get) {
  const fault = loginFault(get);
  return sendAnswer('Faild', fault ?? '其他错误', fault ? 0 : balance, '', 0);
}

// CHOICE: the action is case-sensitive.
function smsPage(get) {
  switch (get('action')) {
    case 'send': return send(get);
    case 'overage': return overage(get);
    case 'checkkeyword': return checkKeyword(get);
    default: return unknownAction(get);
  }
}

// ---------------------------------------------------------------- chapters 4 and 5: fetches
const errorAnswer = (error, remark) => document(element('errorstatus', fields([['error', error], ['remark', remark]])));

// CHOICE: login first, then parameters. Error 3 never happens: this account may see its reports.
function fetchFault(get, wrongLoginNumber) {
  const fault = loginFault(get);
  if (fault === EMPTY_LOGIN) return errorAnswer(1, fault);
  if (fault === WRONG_LOGIN) return errorAnswer(wrongLoginNumber, fault);
  return get('action') === 'query' ? null : errorAnswer(4, '参数不正确');
}

// Splits a queue into what is handed out now and what is kept.
// CHOICE: oldest first by due time, then in the order of sending.
function take(queue, limit) {
  const now = Date.now();
  const ready = queue.filter((entry) => entry.due <= now).sort((a, b) => a.due - b.due);
  const taken = ready.slice(0, limit);
  const gone = new Set(taken);
  return { taken, kept: queue.filter((entry) => !gone.has(entry)), more: ready.length > taken.length };
}

// CHOICE: with nothing to hand out the answer is an empty returnsms.
// CHOICE: entries are gone once the answer is made, even if the client never reads it.
function statusPage(get) {
  const fault = fetchFault(get, broken(16) ? 1 : 2);
  if (fault) return fault;
  // CHOICE: statusNum is plain digits; 0 hands out nothing; more than 4000 is allowed.
  const wanted = get('statusNum').trim();
  if (!/^\d*$/.test(wanted)) return errorAnswer(4, '参数不正确');
  const standard = broken(14) ? 5000 : 4000;
  const limit = wanted === '' || broken(13) ? standard : Number(wanted);

  const { taken, kept, more } = take(reports, limit);
  reports = kept;
  if (broken(15) && more) repeatOnce(taken.at(-1), reports);
  return document(taken.map((report) => {
    // CHOICE: numbers that end in 4 fail, with UNDELIV.
    const failed = report.mobile.endsWith('4');
    return element('statusbox', fields([
      ['mobile', report.mobile], ['taskid', report.taskid], ['status', failed ? 20 : 10],
      // CHOICE: the receive time is the moment from which the report could be fetched.
      ['receivetime', formatTime(report.due)], ['errorcode', failed ? 'UNDELIV' : 'DELIVRD'],
      ['extno', broken(17) ? report.extno.replace(/^0+/, '') : report.extno],
    ]));
  }).join(''));
}

// CHOICE: all waiting replies are handed out at once.
function callPage(get) {
  const fault = fetchFault(get, 2);
  if (fault) return fault;
  const { taken, kept } = take(replies, Infinity);
  replies = kept;
  if (broken(18) && taken.length > 1) repeatOnce(taken.at(-1), replies);
  return document(taken.map((reply) => {
    const boxes = [
      ['mobile', broken(19) ? '86' + reply.mobile : reply.mobile], ['taskid', reply.taskid],
      ['content', reply.content], ['receivetime', formatTime(reply.due)], ['extno', reply.extno],
    ];
    if (broken(20)) [boxes[2], boxes[3]] = [boxes[3], boxes[2]];
    return element('callbox', fields(boxes));
  }).join(''));
}

// Breaks 15 and 18: puts an entry that was just handed out back, but only once.
function repeatOnce(entry, queue) {
  if (!entry || entry.repeated) return;
  entry.repeated = true;
  queue.unshift(entry);
}

// ---------------------------------------------------------------- HTTP
// CHOICE: the answers of the GBK page are UTF-8, as the declaration in the manual says.
// CHOICE: the two fetch pages read UTF-8 forms.
const pages = {
  '/v2sms.aspx': { charset: 'utf-8', page: smsPage },
  '/v2smsGBK.aspx': { charset: broken(6) ? 'utf-8' : 'gbk', page: smsPage },
  '/v2statusApi.aspx': { charset: 'utf-8', page: statusPage },
  '/v2callApi.aspx': { charset: 'utf-8', page: callPage },
};

// CHOICE: 404 for other paths (case-sensitive), 405 for anything but POST, 413 above 8 MB, 500 for our own
// mistakes, all in plain text; every answer of the interface itself is a 200, text/xml in UTF-8.
const MAX_BODY = 8 * 1024 * 1024;

function answer(response, status, type, text, headers = {}) {
  const body = Buffer.from(text, 'utf8');
  response.writeHead(status, {
    'Content-Type': `${type}; charset=utf-8`, 'Content-Length': body.length, 'Cache-Control': 'no-store', ...headers,
  });
  response.end(body);
}

const server = http.createServer((request, response) => {
  const entry = Object.hasOwn(pages, request.url.split('?')[0]) ? pages[request.url.split('?')[0]] : null;
  if (!entry) return answer(response, 404, 'text/plain', 'Not Found\n');
  if (request.method !== 'POST') {
    return answer(response, 405, 'text/plain', 'Method Not Allowed\n', { Allow: 'POST' });
  }
  const chunks = [];
  let size = 0;
  request.on('data', (chunk) => {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
  });
  request.on('end', () => {
    if (size > MAX_BODY) return answer(response, 413, 'text/plain', 'Payload Too Large\n', { Connection: 'close' });
    try {
      const text = entry.page(parseForm(Buffer.concat(chunks), entry.charset));
      answer(response, 200, 'text/xml', text);
    } catch (error) {
      console.error(error);
      if (!response.headersSent) answer(response, 500, 'text/plain', 'Internal Server Error\n');
    }
  });
  request.on('error', () => response.destroy());
});

server.listen(PORT, '127.0.0.1', () => console.log('listening'));
