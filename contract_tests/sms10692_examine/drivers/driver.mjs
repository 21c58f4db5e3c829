// Driver of sms10692-examine in Node.js 18 or later, standard library only.
//
//     sms10692-examine run -- node driver.mjs
//
// Replace the client by calls of your own, and keep the driver below it.
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';

// ---- The client: replace this part by your own.

/** The vendor refused the request; the text is its message. */
class SmsRefused extends Error {}

/** No answer, or none that can be read: nobody knows what the vendor did, so nothing is repeated. */
class SmsUnknown extends Error {}

class SmsClient {
  constructor(settings) {
    this.settings = settings;
  }

  async send(mobiles, content, sendTime, extno) {
    const root = await this.callSmsPage({
      action: 'send',
      mobile: [...new Set(mobiles)].join(','), // a number given twice would be charged twice
      content,
      sendTime: sendTime ? formatChinaTime(new Date(sendTime)) : '',
      extno,
    });
    if (root.text('returnstatus') !== 'Success') throw new SmsRefused(root.text('message'));
    return {
      taskID: root.text('taskID'), // as text: a number above 2^53 is not exact
      successCounts: Number(root.text('successCounts')),
      remainpoint: Number(root.text('remainpoint')),
    };
  }

  async overage() {
    const root = await this.callSmsPage({ action: 'overage' });
    if (root.text('returnstatus') !== 'Sucess') throw new SmsRefused(root.text('message')); // the vendor's spelling
    return { overage: Number(root.text('overage')), payinfo: root.text('payinfo') };
  }

  async checkkeyword(content) {
    const message = (await this.callSmsPage({ action: 'checkkeyword', content })).text('message');
    if (message !== '没有包含屏蔽词' && !message.startsWith('包含')) throw new SmsRefused(message);
    return { forbidden: message !== '没有包含屏蔽词' };
  }

  /** Fetches items of the queue status or call; the vendor then forgets them. */
  async fetch(queue) {
    const root = await this.post(`${queue}Api.aspx`, false, { action: 'query' });
    const error = root.children.find((child) => child.name === 'errorstatus');
    if (error) throw new SmsRefused(error.text('remark'));
    return root.children
      .filter((child) => child.name === `${queue}box`)
      .map((box) => Object.fromEntries(box.children.map((child) => [child.name, child.content])));
  }

  callSmsPage(fields) {
    const isGbk = this.settings.charset === 'gb2312';
    return this.post(isGbk ? 'smsGBK.aspx' : 'sms.aspx', isGbk, fields);
  }

  async post(page, isGbk, fields) {
    const { url, authentication, timeout } = this.settings;
    const body = Object.entries({ ...this.credentials(), ...fields })
      .map(([name, value]) => `${name}=${isGbk ? encodeGbk(value) : encodeURIComponent(value)}`)
      .join('&');
    let response, content;
    try {
      response = await fetch(`${url}/${authentication === 'signed' ? 'v2' : ''}${page}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeout * 1000), // for the whole request and response
      });
      content = Buffer.from(await response.arrayBuffer());
    } catch (error) {
      throw new SmsUnknown(`${error.message}: ${error.cause?.message ?? error.name}`);
    }
    if (response.status !== 200) throw new SmsUnknown(`HTTP ${response.status}`);
    const charset = /encoding="([^"]*)"/.exec(content.toString('latin1', 0, 100))?.[1] ?? 'utf-8';
    let text;
    try {
      text = new TextDecoder(charset, { fatal: true }).decode(content);
    } catch (error) {
      throw new SmsUnknown(`the response is not in ${charset}: ${error.message}`);
    }
    return parseXml(text);
  }

  credentials() {
    const { authentication, userid, account, password, clock_offset } = this.settings;
    if (authentication !== 'signed') return { userid, account, password };
    const timestamp = formatChinaTime(new Date(Date.now() + clock_offset * 1000)).replace(/\D/g, '');
    const sign = createHash('md5').update(account + password + timestamp).digest('hex');
    return { userid, timestamp, sign };
  }
}

/** Returns yyyy-MM-dd HH:mm:ss in China, which has no summer time. */
function formatChinaTime(date) {
  return new Date(date.getTime() + 8 * 3600_000).toISOString().slice(0, 19).replace('T', ' ');
}

let gbkBytes;

/** Encodes a form value in GBK. Node only decodes GBK, so the table is turned round. */
function encodeGbk(text) {
  if (!gbkBytes) {
    gbkBytes = new Map();
    const decoder = new TextDecoder('gbk');
    for (let high = 0x81; high <= 0xfe; high++) {
      for (let low = 0x40; low <= 0xfe; low++) {
        const character = decoder.decode(Uint8Array.of(high, low));
        if (character.length === 1 && character !== '\ufffd' && !gbkBytes.has(character)) {
          gbkBytes.set(character, `%${high.toString(16)}%${low.toString(16)}`);
        }
      }
    }
  }
  return Array.from(text, (character) => {
    if (character < '\x80') return encodeURIComponent(character);
    if (!gbkBytes.has(character)) throw new SmsRefused(`GBK has no character ${character}`);
    return gbkBytes.get(character);
  }).join('');
}

const ENTITIES = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const TOKEN =
  /<\?.*?\?>|<!--[^]*?-->|<!\[CDATA\[([^]*?)\]\]>|<(\/?)([A-Za-z_][\w.-]*)(?:\s[^<>]*?)?(\/?)>|([^<]+)/y;

/** Parses the XML of the vendor. Node has no parser for XML; with a package of your choice this function goes away. */
function parseXml(text) {
  const createNode = (name) => ({
    name,
    content: '',
    children: [],
    text(child) {
      return this.children.find((node) => node.name === child)?.content ?? '';
    },
  });
  const document = createNode('');
  const stack = [document];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (!match) throw new SmsUnknown('the response is no XML');
    const [, cdata, closing, name, empty, characters] = match;
    const current = stack.at(-1);
    if (cdata !== undefined) current.content += cdata;
    else if (characters !== undefined) {
      current.content += characters.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (_, hex, decimal, entity) =>
        entity ? ENTITIES[entity] : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)));
    } else if (closing) {
      if (stack.length === 1 || stack.pop().name !== name) throw new SmsUnknown(`unexpected </${name}>`);
    } else if (name) {
      const node = createNode(name);
      current.children.push(node);
      if (!empty) stack.push(node);
    }
  }
  const [root] = document.children;
  if (stack.length > 1 || root?.name !== 'returnsms') throw new SmsUnknown('the response is not <returnsms>');
  return root;
}

// ---- The driver: keep this part. An item is answered when it was processed.

const STATUS = { 10: 'delivered', 20: 'failed' };

async function work(client, request, answer) {
  switch (request.operation) {
    case 'send':
      return client.send(request.mobiles, request.content, request.sendTime, request.extno);
    case 'overage':
      return client.overage();
    case 'checkkeyword':
      return client.checkkeyword(request.content);
    default:
      for (const item of await client.fetch(request.operation)) {
        answer('item', 'status' in item ? { ...item, status: STATUS[item.status] ?? item.status } : item);
      }
      return {};
  }
}

let client;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const answer = (kind, fields) =>
    process.stdout.write(JSON.stringify({ id: request.id, answer: kind, ...fields }) + '\n');
  if (request.operation === 'configure') {
    client = new SmsClient(request);
    const operations = ['send', 'overage', 'checkkeyword', 'status', 'call'];
    answer('configured', { client: 'Node fetch', operations, claims: ['clock'] });
    continue;
  }
  try {
    answer('accepted', await work(client, request, answer));
  } catch (error) {
    if (error instanceof SmsRefused) answer('refused', { message: error.message });
    else if (error instanceof SmsUnknown) answer('unknown', { reason: error.message });
    else throw error;
  }
}
process.exit(); // kept connections would hold the process
