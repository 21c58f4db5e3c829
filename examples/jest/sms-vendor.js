const LOCAL = `http://127.0.0.1:${parseInt(process.env.SMS10692_MOCK_PORT) || 10692}`;
/** One account of a running emulator: url, userid, account and password are for the code under test. */
class SmsVendor {
  url = (process.env.SMS10692_MOCK_URL || LOCAL).replace(/\/$/, "");
  userid = "";
  #last = 0;
  /** Creates the account. Settings are those of the control API, such as { points: 5 }. */
  async open(settings = {}) {
    const { userid, account, password } = await this.call("POST", "", { private_clock: true, ...settings });
    return Object.assign(this, { userid, account, password });
  }
  /** Waits for the next message to this number, from the second call on for the one after it. */
  async waitMessage(mobile, seconds = 4) {
    const query = new URLSearchParams({ mobile, limit: 1, wait: seconds, ...(this.#last && { after: this.#last }) });
    const [message] = (await this.call("GET", `/messages?${query}`)).items;
    if (!message) throw new Error(`no message to ${mobile} within ${seconds} s\n${await this.explain()}`);
    this.#last = message.number;
    return message;
  }
  /** Adds a fault: fault("disconnect"), fault("status", { status: 503, operations: ["send"], times: 1 }). */
  fault = (kind, parameters = {}) => this.call("POST", "/faults", { kind, ...parameters });
  /** Moves the account's clock to its next report or reply, so that the code under test can fetch a late one. */
  advanceToNext = () => this.call("POST", "/clock/advance", { to: "next" });
  /** Says what was wrong with the requests of this account, a line each. What the test demanded is not wrong. */
  async explain() {
    const { items } = await this.call("GET", "/requests?limit=1");
    const lines = items.length ? [] : [`no request named the userid ${this.userid}`];
    for (const { number } of (await this.call("GET", "/requests?has_findings=true")).items) {
      const { operation, refusal, diagnosis } = await this.call("GET", `/requests/${number}`);
      for (const { code, sentence } of diagnosis.filter(({ code }) => !/fault|reserved|delivery/.test(code)))
        lines.push(`${operation} ${refusal || "not refused"}, ${code}: ${sentence}`);
    }
    return lines.join("\n");
  }
  /** Fails if a request of this account had a mistake, also one that the vendor accepts, or if there was none. */
  assertNoFindings = async () => expect(await this.explain()).toBe("");
  /** Calls the control API below the account: call("POST", "/clock/advance", { seconds: 60 }). */
  async call(method, path, document) {
    const url = `${this.url}/_mock/accounts${this.userid && `/${this.userid}`}${path}`;
    const token = process.env.SMS10692_MOCK_TOKEN;
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    const response = await fetch(url, { method, headers, body: document && JSON.stringify(document) });
    const result = await response.json();
    if (result.error) throw new Error(`${method} ${url}: ${result.error}`);
    return result;
  }
}
/** Gives each test of a file an account. After the test it prints explain() and deletes the account. */
function useSmsVendor(settings) {
  const vendor = { current: null };
  beforeEach(async () => (vendor.current = await new SmsVendor().open(settings)));
  afterEach(async () => {
    const explanation = await vendor.current?.explain();
    if (explanation) process.stderr.write(`\n${expect.getState().currentTestName}: ${explanation}\n`);
    await vendor.current?.call("DELETE", "");
    vendor.current = null;
  });
  return vendor;
}
module.exports = { useSmsVendor };
