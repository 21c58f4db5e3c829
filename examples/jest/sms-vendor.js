const URL_DEFAULT = "http://127.0.0.1:10692";

/** One account of a running emulator: url, userid, account and password are for the code under test. */
class SmsVendor {
  url = (process.env.SMS10692_MOCK_URL || URL_DEFAULT).replace(/\/$/, "");
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
    if (!message) throw new Error(`no message to ${mobile} within ${seconds} s; ${await this.explain()}`);
    this.#last = message.number;
    return message;
  }

  /** Adds a fault: fault("disconnect"), fault("status", { status: 503, operations: ["send"], times: 1 }). */
  async fault(kind, parameters = {}) {
    await this.call("POST", "/faults", { kind, ...parameters });
  }

  /** Describes the last request that named this account, and what was wrong with it. */
  async explain() {
    const [last] = (await this.call("GET", "/requests?order=desc&limit=1")).items;
    if (!last) return "no request named its userid";
    const { operation, refusal, diagnosis } = await this.call("GET", `/requests/${last.number}`);
    return [`last request: ${operation} ${refusal}`, ...diagnosis.map((finding) => finding.sentence)].join(" ");
  }

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

/** Gives each test of a file an account of its own, and deletes it after the test. */
function useSmsVendor(settings) {
  const vendor = { current: null };
  beforeEach(async () => (vendor.current = await new SmsVendor().open(settings)));
  afterEach(async () => {
    await vendor.current?.call("DELETE", "");
    vendor.current = null;
  });
  return vendor;
}

module.exports = { useSmsVendor };
