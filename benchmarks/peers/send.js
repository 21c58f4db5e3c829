// A send in JavaScript: parse the form, check the MD5 signature, charge the account, queue the reports, respond with XML.
// Run by Node it is a server on the port of its argument; as a module it exports the handler only.

const { createHash } = require('crypto');

const PASSWORDS = { 12: ['test', 'mima'] };

function newState() {
  return { points: 1e12, tasks: 100000, reports: [] };
}

function escapeXml(text) {
  return text.replace(/[&<>]/g, character => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]);
}

function answer(form, state) {
  const fields = new URLSearchParams(form);
  const timestamp = fields.get('timestamp') || '';
  const [account, password] = PASSWORDS[fields.get('userid')] || ['', ''];
  const sign = createHash('md5').update(account + password + timestamp).digest('hex');
  let message = 'ok';
  let task = 0;
  const numbers = (fields.get('mobile') || '').split(',').map(number => number.trim()).filter(Boolean);
  if (!account || sign !== fields.get('sign')) message = '用户名或密码错误';
  else if (!numbers.length) message = '手机号码不能为空';
  else if (!fields.get('content')) message = '短信内容不能为空';
  else {
    task = ++state.tasks;
    state.points -= numbers.length;
    const due = Date.now();
    for (const mobile of numbers) state.reports.push({ mobile, task, status: 10, due });
  }
  const ok = message === 'ok';
  return '<?xml version="1.0" encoding="utf-8" ?><returnsms>\n'
    + ` <returnstatus>${ok ? 'Success' : 'Faild'}</returnstatus>\n <message>${escapeXml(message)}</message>\n`
    + ` <remainpoint>${ok ? state.points : 0}</remainpoint>\n <taskID>${task}</taskID>\n`
    + ` <successCounts>${ok ? numbers.length : 0}</successCounts></returnsms>`;
}

module.exports = { answer, newState };

if (require.main === module) {
  const state = newState();
  require('http').createServer((request, response) => {
    const chunks = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.from(answer(Buffer.concat(chunks).toString(), state));
      response.writeHead(200, { 'Content-Type': 'text/xml; charset=utf-8', 'Content-Length': body.length });
      response.end(body);
    });
  }).listen(Number(process.argv[2]), '127.0.0.1');
}
