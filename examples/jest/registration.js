const { createHash } = require("node:crypto");

/** The code under test: it sends a verification code to a new customer. */
async function register(mobile, { url, userid, account, password }) {
  const china = new Date(Date.now() + 8 * 3600 * 1000).toISOString();
  const timestamp = china.replace(/\D/g, "").slice(0, 14);
  const sign = createHash("md5").update(account + password + timestamp).digest("hex");
  const form = { action: "send", userid, timestamp, sign, mobile, content: "【示例】您的验证码是 1234" };
  const response = await fetch(`${url}/v2sms.aspx`, { method: "POST", body: new URLSearchParams(form) });
  const text = await response.text();
  if (!text.includes("<returnstatus>Success</returnstatus>")) throw new Error(`the vendor refused to send the code: ${text}`);
}

module.exports = { register };
