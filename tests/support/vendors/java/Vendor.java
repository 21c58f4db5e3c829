import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.time.format.ResolverStyle;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;

/**
 * An SMS vendor as its manual describes it. Start with: java Vendor.java
 *
 * Environment: PORT, USERID, ACCOUNT, PASSWORD, BALANCE, FORBIDDEN, DELAY, BREAK.
 * The source is plain ASCII (Chinese as \\u escapes), so that the source launcher
 * compiles it the same in any locale. "Choice:" marks what the manual leaves open;
 * "BREAK n" marks a deliberate deviation from the manual (see breaks.json).
 */
public class Vendor {

    // ------------------------------------------------------------------ messages of the manual

    static final String OK = "ok";
    /** "user name or password must not be empty" */
    static final String EMPTY_USER = "\u7528\u6237\u540d\u6216\u5bc6\u7801\u4e0d\u80fd\u4e3a\u7a7a";
    /** "user name or password wrong" */
    static final String WRONG_USER = "\u7528\u6237\u540d\u6216\u5bc6\u7801\u9519\u8bef";
    /** "the content contains SQL injection characters" */
    static final String SQL_INJECTION =
            "\u53d1\u9001\u5185\u5bb9\u5305\u542bsql\u6ce8\u5165\u5b57\u7b26";
    /** "the numbers must not be empty" */
    static final String EMPTY_MOBILE = "\u77ed\u4fe1\u53f7\u7801\u4e0d\u80fd\u4e3a\u7a7a";
    /** "the content must not be empty" */
    static final String EMPTY_CONTENT = "\u77ed\u4fe1\u5185\u5bb9\u4e0d\u80fd\u4e3a\u7a7a";
    /** "contains illegal characters" (checkkeyword: without a colon) */
    static final String ILLEGAL = "\u5305\u542b\u975e\u6cd5\u5b57\u7b26";
    /** the same with the full-width colon (send) */
    static final String ILLEGAL_COLON = ILLEGAL + "\uff1a";
    /** "sorry, the amount you want to send is greater than your balance" */
    static final String NO_BALANCE = "\u5bf9\u4e0d\u8d77\uff0c\u60a8\u5f53\u524d\u8981\u53d1\u9001"
            + "\u7684\u91cf\u5927\u4e8e\u60a8\u5f53\u524d\u4f59\u989d";
    /** "other error" */
    static final String OTHER_ERROR = "\u5176\u4ed6\u9519\u8bef";
    /** "no blocked word contained" */
    static final String NO_KEYWORD = "\u6ca1\u6709\u5305\u542b\u5c4f\u853d\u8bcd";
    /** "parameters incorrect" (error 4 of the two fetches) */
    static final String BAD_PARAMETER = "\u53c2\u6570\u4e0d\u6b63\u786e";
    /** "prepaid" */
    static final String PREPAID = "\u9884\u4ed8\u8d39";
    /** Choice: a reply is "received: " and the first 20 characters of what was sent. */
    static final String REPLY_PREFIX = "\u6536\u5230\uff1a";
    static final int REPLY_QUOTE = 20;
    /** default of FORBIDDEN: "invoice" */
    static final String DEFAULT_FORBIDDEN = "\u53d1\u7968";

    // ------------------------------------------------------------------ settings

    static final Charset UTF8 = StandardCharsets.UTF_8;
    static final Charset GBK = Charset.forName("GBK");
    static final Charset GB2312 = Charset.forName("GB2312");

    static final Map<String, String> ENV = environment();
    static final String USERID = setting("USERID", "12");
    static final String ACCOUNT = setting("ACCOUNT", "test");
    static final String PASSWORD = setting("PASSWORD", "mima");
    static final String FORBIDDEN = setting("FORBIDDEN", DEFAULT_FORBIDDEN);
    static final long RECHARGED = Long.parseLong(setting("BALANCE", "100000"));
    static final Duration DELAY =
            Duration.ofMillis(Math.round(Double.parseDouble(setting("DELAY", "1")) * 1000));
    static final int BREAK = Integer.parseInt(setting("BREAK", "0"));

    /** The environment as UTF-8, whatever the locale of the JVM (which would spoil FORBIDDEN). */
    static Map<String, String> environment() {
        Map<String, String> env = new HashMap<>(System.getenv());
        try {
            String all = new String(Files.readAllBytes(Path.of("/proc/self/environ")), UTF8);
            for (String entry : all.split("\0")) {
                int eq = entry.indexOf('=');
                if (eq > 0) {
                    env.put(entry.substring(0, eq), entry.substring(eq + 1));
                }
            }
        } catch (IOException noProc) {
            // not Linux: System.getenv() has to do
        }
        return env;
    }

    static String setting(String name, String dflt) {
        String value = ENV.get(name);
        return value == null || value.isEmpty() ? dflt : value;
    }

    static boolean broken(int number) {
        return BREAK == number;
    }

    // ------------------------------------------------------------------ state (guarded by LOCK)

    static final class Report {
        final long seq;
        final String mobile;
        final String task;
        final boolean delivered;
        final String extno;
        final Instant due;
        boolean repeated;   // BREAK 16 only

        Report(long seq, String mobile, String task, boolean delivered, String extno, Instant due) {
            this.seq = seq;
            this.mobile = mobile;
            this.task = task;
            this.delivered = delivered;
            this.extno = extno;
            this.due = due;
        }
    }

    static final class Reply {
        final long seq;
        final String mobile;
        final String task;
        final String content;
        final String extno;
        final Instant due;
        boolean repeated;   // BREAK 18 only

        Reply(long seq, String mobile, String task, String content, String extno, Instant due) {
            this.seq = seq;
            this.mobile = mobile;
            this.task = task;
            this.content = content;
            this.extno = extno;
            this.due = due;
        }
    }

    static final Object LOCK = new Object();
    static final List<Report> REPORTS = new ArrayList<>();
    static final List<Reply> REPLIES = new ArrayList<>();
    static final Set<String> TASKS = new HashSet<>();
    static final SecureRandom RANDOM = new SecureRandom();
    static long balance = RECHARGED;
    static long sequence = 0;

    // ------------------------------------------------------------------ time

    // Choice: the vendor's clock runs in the time zone of the machine (set TZ to change it).
    static final ZoneId ZONE = ZoneId.systemDefault();
    static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss").withResolverStyle(ResolverStyle.STRICT);
    static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("uuuuMMddHHmmss").withResolverStyle(ResolverStyle.STRICT);

    static Instant parseTime(String text, DateTimeFormatter format) {
        try {
            return LocalDateTime.parse(text, format).atZone(ZONE).toInstant();
        } catch (DateTimeParseException bad) {
            return null;
        }
    }

    static String formatTime(Instant instant) {
        return TIME.format(LocalDateTime.ofInstant(instant, ZONE));
    }

    // ------------------------------------------------------------------ credentials

    // Choice: account and password go into the MD5 as UTF-8 bytes.
    static String md5(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("MD5").digest(text.getBytes(UTF8));
            return String.format("%032x", new BigInteger(1, digest));
        } catch (Exception impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    // Choice: "user name or password empty" means that any of userid, timestamp, sign is empty
    // or absent, as the request itself carries neither user name nor password.
    // Choice: an unknown userid counts as "user name or password wrong".
    // Choice: neither is the timestamp compared with the clock (the manual's own example is from
    // 2012) nor is a timestamp refused that was used before.
    /** Null if the credentials are good, otherwise the message of the refusal. */
    static String credentialFault(Map<String, String> p, boolean upperCaseToo) {
        String userid = value(p, "userid");
        String timestamp = value(p, "timestamp");
        String sign = value(p, "sign");
        if (userid.isEmpty() || timestamp.isEmpty() || sign.isEmpty()) {
            return EMPTY_USER;
        }
        String expected = md5(ACCOUNT + PASSWORD + timestamp);
        boolean same = upperCaseToo ? expected.equalsIgnoreCase(sign) : expected.equals(sign);
        return userid.equals(USERID) && same ? null : WRONG_USER;
    }

    // ------------------------------------------------------------------ chapter 1: send

    // Choice: what counts as SQL injection: only a few typical patterns in the content, so that a
    // lone quote or semicolon in an ordinary text is no reason to refuse it.
    static final Pattern INJECTION = Pattern.compile(
            "'\\s*(or|and)\\s|;\\s*(drop|delete|update|insert|exec|select)\\s|union\\s+select\\s|xp_cmdshell",
            Pattern.CASE_INSENSITIVE);
    static final Pattern EXTNO = Pattern.compile(broken(3) ? "[0-9]{0,11}" : "[0-9]{0,10}"); // BREAK 3
    static final Pattern MOBILE = Pattern.compile("1[0-9]{10}");

    static String send(Map<String, String> p) {
        // Choice of the order of the checks: credentials, timestamp, numbers, content, extno,
        // sendTime, injection, forbidden word, balance.
        // BREAK 1: the signature is accepted in upper case
        String fault = credentialFault(p, broken(1));
        if (fault != null) {
            // Choice: a caller without good credentials learns no balance, but 0.
            return sendAnswer(false, fault, 0, "", 0);
        }
        // Choice: a signed timestamp that is no date in the format of the manual: credentials wrong.
        if (parseTime(value(p, "timestamp"), STAMP) == null) {
            return sendAnswer(false, WRONG_USER, 0, "", 0);
        }

        String mobile = value(p, "mobile");
        String content = value(p, "content");
        String extno = value(p, "extno");
        String sendTime = value(p, "sendTime");

        // Choice: white space around a number is dropped, a number given twice is sent to once, and
        // what is not 11 digits beginning with 1 is left out (neither counted nor charged).
        Set<String> numbers = new LinkedHashSet<>();
        for (String number : mobile.split(",")) {
            if (MOBILE.matcher(number.trim()).matches()) {
                numbers.add(number.trim());
            }
        }

        synchronized (LOCK) {
            // Choice: no usable number at all is answered as no number.
            if (numbers.isEmpty()) {
                return refuse(EMPTY_MOBILE);
            }
            // Choice: a content of white space only is empty.
            if (content.isBlank()) {
                return refuse(EMPTY_CONTENT);
            }
            // Choice: a bad extno or sendTime is an "other error"; the table has nothing closer.
            if (!EXTNO.matcher(extno).matches()) {
                return refuse(OTHER_ERROR);
            }
            Instant now = Instant.now();
            Instant start = now;
            if (!sendTime.isEmpty()) {
                Instant wanted = parseTime(sendTime, TIME);
                if (wanted == null) {
                    return refuse(OTHER_ERROR);
                }
                // Choice: a sendTime in the past means at once.
                if (wanted.isAfter(now) && !broken(4)) {    // BREAK 4: sendTime is ignored
                    start = wanted;
                }
            }
            if (INJECTION.matcher(content).find()) {
                return refuse(SQL_INJECTION);
            }
            // Choice: the forbidden word itself follows the colon.
            if (content.contains(FORBIDDEN)) {
                return refuse(ILLEGAL_COLON + FORBIDDEN);
            }
            // Choice: one point a number, however long the text is; points are taken when the
            // task is accepted, also for a later sendTime, and are not given back on failure.
            int points = numbers.size();
            // Choice: all or nothing; a task is never sent in part.
            // BREAK 6: an amount equal to the balance is refused as well
            if (points > balance || (broken(6) && points == balance)) {
                return refuse(NO_BALANCE);
            }

            long before = balance;
            balance -= points;
            String task = newTask();
            Instant due = start.plus(DELAY);
            int place = 0;
            for (String number : numbers) {
                place++;
                // BREAK 17: the second and later numbers of a batch get a task number of their own
                String reported = broken(17) && place > 1 ? newTask() : task;
                // Choice: sending fails for numbers that end in 44 and works for all others.
                boolean delivered = !number.endsWith("44");
                sequence++;
                REPORTS.add(new Report(sequence, number, reported, delivered, extno, due));
                if (number.endsWith("7")) {
                    REPLIES.add(new Reply(sequence, number, task, reply(content), extno, due));
                }
            }
            // BREAK 2: the balance before the send
            return sendAnswer(true, OK, broken(2) ? before : balance, task, points);
        }
    }

    static String reply(String content) {
        int length = content.codePointCount(0, content.length());
        int end = content.offsetByCodePoints(0, Math.min(length, REPLY_QUOTE));
        return REPLY_PREFIX + content.substring(0, end);
    }

    // Choice: a task number is nine random digits, not ascending, never used twice.
    static String newTask() {
        String task;
        do {
            task = String.valueOf(100_000_000 + RANDOM.nextInt(900_000_000));
        } while (!TASKS.add(task));
        return task;
    }

    // Choice: a refusal after good credentials tells the true balance.
    static String refuse(String message) {
        return sendAnswer(false, message, balance, "", 0);
    }

    // Choice: in a refusal taskID is empty and successCounts is 0.
    static String sendAnswer(boolean success, String message, long remain, String task, int count) {
        String remainpoint = element("remainpoint", String.valueOf(remain));
        String taskID = element("taskID", task);
        return element("returnstatus", success ? "Success" : "Faild")
                + element("message", message)
                // BREAK 7: the order of these two
                + (broken(7) ? taskID + remainpoint : remainpoint + taskID)
                + element("successCounts", String.valueOf(count));
    }

    // ------------------------------------------------------------------ chapter 2: overage

    static String overage(Map<String, String> p) {
        String fault = credentialFault(p, false);
        // Choice: a signed timestamp that is no date in the format of the manual: credentials wrong.
        if (fault == null && parseTime(value(p, "timestamp"), STAMP) == null) {
            fault = WRONG_USER;
        }
        if (fault != null) {
            // Choice: payinfo is empty and the two amounts are 0 in a refusal.
            return overageAnswer("Faild", fault, "", 0, 0);
        }
        synchronized (LOCK) {
            // BREAK 8: "Success" where the manual insists on "Sucess"
            // BREAK 9: sendTotal is the balance instead of all points ever bought
            // BREAK 10: a message where it has to be empty
            return overageAnswer(broken(8) ? "Success" : "Sucess", broken(10) ? OK : "", PREPAID,
                    balance, broken(9) ? balance : RECHARGED);
        }
    }

    static String overageAnswer(String status, String message, String payinfo, long left, long total) {
        return element("returnstatus", status)
                + element("message", message)
                + element("payinfo", payinfo)
                + element("overage", String.valueOf(left))
                + element("sendTotal", String.valueOf(total));
    }

    // ------------------------------------------------------------------ chapter 3: checkkeyword

    static String checkKeyword(Map<String, String> p) {
        String fault = credentialFault(p, false);
        // Choice: a signed timestamp that is no date in the format of the manual: credentials wrong.
        if (fault == null && parseTime(value(p, "timestamp"), STAMP) == null) {
            fault = WRONG_USER;
        }
        if (fault != null) {
            return element("message", fault);
        }
        // Choice: an empty content contains no blocked word.
        String content = value(p, "content");
        if (broken(12) && !content.isEmpty()) {
            // BREAK 12: the last character is not looked at, a word at the very end is missed
            content = content.substring(0, content.length() - 1);
        }
        if (!content.contains(FORBIDDEN)) {
            return element("message", NO_KEYWORD);
        }
        // BREAK 11: colon and word follow, as in chapter 1
        return element("message", broken(11) ? ILLEGAL_COLON + FORBIDDEN : ILLEGAL);
    }

    // ------------------------------------------------------------------ chapter 4: reports

    static String fetchReports(Map<String, String> p) {
        String refusal = fetchRefusal(p, false);
        if (refusal != null) {
            return refusal;
        }
        // BREAK 14: 5000 by default
        int limit = broken(14) ? 5000 : 4000;
        String statusNum = value(p, "statusNum");
        boolean given = !statusNum.isEmpty();
        if (given) {
            // Choice: 0 is incorrect, too; there is no upper limit.
            if (!statusNum.matches("[0-9]+") || new BigInteger(statusNum).signum() == 0) {
                return errorStatus(4, BAD_PARAMETER);
            }
            limit = new BigInteger(statusNum).min(BigInteger.valueOf(Integer.MAX_VALUE)).intValue();
        }

        // Choice: a report counts as fetched once its answer is made, even if the client hangs up.
        List<Report> out = new ArrayList<>();
        synchronized (LOCK) {
            Instant now = Instant.now();
            List<Report> ready = new ArrayList<>();
            for (Report r : REPORTS) {
                if (!r.due.isAfter(now)) {
                    ready.add(r);
                }
            }
            // Choice: newest first, so a limited fetch leaves the oldest for later.
            ready.sort(Comparator.<Report, Instant>comparing(r -> r.due)
                    .thenComparingLong(r -> r.seq).reversed());
            Set<String> tasks = new HashSet<>();
            for (Report r : ready) {
                if (broken(13) && given) {
                    // BREAK 13: statusNum counts tasks, not numbers
                    if (!tasks.contains(r.task) && tasks.size() == limit) {
                        continue;
                    }
                    tasks.add(r.task);
                } else if (out.size() == limit) {
                    break;
                }
                out.add(r);
            }
            Set<Report> fetched = new HashSet<>(out);
            if (broken(16) && given && out.size() < ready.size()) {
                // BREAK 16: if statusNum cut the answer short, its last report comes once more
                Report last = out.get(out.size() - 1);
                if (!last.repeated) {
                    last.repeated = true;
                    fetched.remove(last);
                }
            }
            REPORTS.removeIf(fetched::contains);
        }

        StringBuilder xml = new StringBuilder();
        for (Report r : out) {
            xml.append("<statusbox>")
                    .append(element("mobile", r.mobile))
                    .append(element("taskid", r.task))
                    .append(element("status", r.delivered ? "10" : "20"))
                    .append(element("receivetime", formatTime(r.due)))
                    // Choice: the gateway's value of a failure.
                    .append(element("errorcode", r.delivered ? "DELIVRD" : "UNDELIV"))
                    .append(element("extno", r.extno))
                    .append("</statusbox>");
        }
        // Choice: nothing to fetch is an empty returnsms, no error.
        return xml.toString();
    }

    // ------------------------------------------------------------------ chapter 5: replies

    static String fetchReplies(Map<String, String> p) {
        String refusal = fetchRefusal(p, true);
        if (refusal != null) {
            return refusal;
        }
        // Choice: all replies that wait, as the manual knows no limit here; newest first.
        List<Reply> out = new ArrayList<>();
        synchronized (LOCK) {
            Instant now = Instant.now();
            for (Reply r : REPLIES) {
                if (!r.due.isAfter(now)) {
                    out.add(r);
                }
            }
            out.sort(Comparator.<Reply, Instant>comparing(r -> r.due)
                    .thenComparingLong(r -> r.seq).reversed());
            Set<Reply> fetched = new HashSet<>(out);
            if (broken(18)) {
                // BREAK 18: a reply to a message with an extno comes twice
                for (Reply r : out) {
                    if (!r.extno.isEmpty() && !r.repeated) {
                        r.repeated = true;
                        fetched.remove(r);
                    }
                }
            }
            REPLIES.removeIf(fetched::contains);
        }

        StringBuilder xml = new StringBuilder();
        for (Reply r : out) {
            // BREAK 19: the extno loses its leading zeros
            String extno = broken(19) ? r.extno.replaceFirst("^0+(?=[0-9])", "") : r.extno;
            xml.append("<callbox>")
                    .append(element("mobile", r.mobile))
                    .append(element("taskid", r.task))
                    .append(element("content", r.content))
                    .append(element("receivetime", formatTime(r.due)))
                    .append(element("extno", extno))
                    .append("</callbox>");
        }
        return xml.toString();
    }

    /** Null if the request for reports or replies is in order, otherwise the refusal. */
    static String fetchRefusal(Map<String, String> p, boolean replies) {
        // Choice of the order of the checks: credentials, action, timestamp, then statusNum.
        String fault = credentialFault(p, false);
        int number = 4;
        if (fault != null) {
            // BREAK 15: in chapter 4, wrong credentials are answered with number 1
            boolean wrongNumber = broken(15) && !replies;
            number = fault.equals(EMPTY_USER) || wrongNumber ? 1 : 2;
        } else if (!value(p, "action").equals("query")
                || parseTime(value(p, "timestamp"), STAMP) == null) {
            fault = BAD_PARAMETER;
        }
        // Choice: every user may see reports, so error 3 never comes.
        if (fault == null) {
            return null;
        }
        if (broken(20) && replies) {
            // BREAK 20: error and remark without the errorstatus around them
            return element("error", String.valueOf(number)) + element("remark", fault);
        }
        return errorStatus(number, fault);
    }

    static String errorStatus(int number, String remark) {
        return "<errorstatus>" + element("error", String.valueOf(number))
                + element("remark", remark) + "</errorstatus>";
    }

    // ------------------------------------------------------------------ XML

    // Choice: entities instead of CDATA; an empty element is written as an opening and a closing
    // tag; no attributes; characters that XML 1.0 does not allow are left out.
    static String element(String name, String text) {
        StringBuilder out = new StringBuilder().append('<').append(name).append('>');
        text.codePoints().forEach(c -> {
            if (c == '&') {
                out.append("&amp;");
            } else if (c == '<') {
                out.append("&lt;");
            } else if (c == '>') {
                out.append("&gt;");
            } else if (c == '\r') {
                out.append("&#13;");
            } else if (c == '\t' || c == '\n' || (c >= 0x20 && c <= 0xD7FF)
                    || (c >= 0xE000 && c <= 0xFFFD) || c >= 0x10000) {
                out.appendCodePoint(c);
            }
        });
        return out.append("</").append(name).append('>').toString();
    }

    // Choice: the whole answer is one line without white space between elements; the declaration
    // has no blank before "?>"; no byte order mark, no line end.
    // Choice: answers of the GBK page are in gb2312 and say so; what gb2312 lacks becomes a
    // numeric character reference.
    static byte[] document(String inner, boolean gbkPage) {
        String xml = "<?xml version=\"1.0\" encoding=\"" + (gbkPage ? "gb2312" : "utf-8") + "\"?>"
                + "<returnsms>" + inner + "</returnsms>";
        if (!gbkPage) {
            return xml.getBytes(UTF8);
        }
        CharsetEncoder encoder = GB2312.newEncoder();
        StringBuilder out = new StringBuilder();
        xml.codePoints().forEach(c -> {
            String s = Character.toString(c);
            out.append(encoder.canEncode(s) ? s : "&#" + c + ";");
        });
        return out.toString().getBytes(GB2312);
    }

    // ------------------------------------------------------------------ HTTP

    static String value(Map<String, String> p, String name) {
        return p.getOrDefault(name, "");
    }

    // Choice: parameters of the URL's query string count as well as those of the body (as with
    // getParameter of a servlet); of a name given twice the first counts; names are case-sensitive
    // and blanks around a name are dropped (the manual's own examples say "sign =").
    // Choice: the page alone decides the charset, not the Content-Type of the request.
    static void parseForm(String raw, Charset charset, Map<String, String> into) {
        if (raw == null) {
            return;
        }
        for (String pair : raw.split("&")) {
            int eq = pair.indexOf('=');
            if (eq >= 0) {
                into.putIfAbsent(decode(pair.substring(0, eq), charset).trim(),
                        decode(pair.substring(eq + 1), charset));
            }
        }
    }

    /** Percent-decoding of a string that holds one byte a character. */
    static String decode(String raw, Charset charset) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < raw.length(); i++) {
            char c = raw.charAt(i);
            if (c == '+') {
                bytes.write(' ');
            } else if (c == '%' && i + 2 < raw.length()
                    && Character.digit(raw.charAt(i + 1), 16) >= 0
                    && Character.digit(raw.charAt(i + 2), 16) >= 0) {
                bytes.write(Integer.parseInt(raw.substring(i + 1, i + 3), 16));
                i += 2;
            } else {
                // Choice: a % without two hexadecimal digits stands for itself.
                bytes.write(c);
            }
        }
        return new String(bytes.toByteArray(), charset);
    }

    static String dispatch(String path, Map<String, String> p) {
        switch (path) {
            case "/v2statusApi.aspx":
                return fetchReports(p);
            case "/v2callApi.aspx":
                return fetchReplies(p);
            default:
                switch (value(p, "action")) {
                    case "send":
                        return send(p);
                    case "overage":
                        return overage(p);
                    case "checkkeyword":
                        return checkKeyword(p);
                    default:
                        // Choice: an unknown action gets the refusal of a send.
                        return sendAnswer(false, OTHER_ERROR, 0, "", 0);
                }
        }
    }

    static void handle(HttpExchange x) throws IOException {
        try (x) {
            byte[] body = x.getRequestBody().readAllBytes();
            String path = x.getRequestURI().getPath();
            boolean gbkPage = "/v2smsGBK.aspx".equals(path);
            // Choice: other paths are 404 (exact spelling), other methods than POST are 405.
            if (!gbkPage && !Set.of("/v2sms.aspx", "/v2statusApi.aspx", "/v2callApi.aspx").contains(path)) {
                x.sendResponseHeaders(404, -1);
                return;
            }
            if (!x.getRequestMethod().equals("POST")) {
                x.getResponseHeaders().set("Allow", "POST");
                x.sendResponseHeaders(405, -1);
                return;
            }
            // BREAK 5: the GBK page reads its parameters as UTF-8
            Charset charset = gbkPage && !broken(5) ? GBK : UTF8;
            Map<String, String> p = new HashMap<>();
            parseForm(x.getRequestURI().getRawQuery(), charset, p);
            parseForm(new String(body, StandardCharsets.ISO_8859_1), charset, p);

            // Choice: refusals are HTTP 200, too.
            byte[] answer = document(dispatch(path, p), gbkPage);
            // Choice: text/html with the charset, not to be cached.
            x.getResponseHeaders().set("Content-Type", "text/html;charset=" + (gbkPage ? "gb2312" : "utf-8"));
            x.getResponseHeaders().set("Cache-Control", "no-cache");
            x.sendResponseHeaders(200, answer.length);
            x.getResponseBody().write(answer);
        } catch (RuntimeException bug) {
            bug.printStackTrace();
            throw bug;
        }
    }

    public static void main(String[] args) throws IOException {
        System.setProperty("sun.net.httpserver.nodelay", "true");
        int port = Integer.parseInt(setting("PORT", "8080"));
        HttpServer server = HttpServer.create(
                new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 512);
        server.createContext("/", Vendor::handle);
        server.setExecutor(Executors.newFixedThreadPool(32));
        server.start();
        System.out.println("listening");
        System.out.flush();
    }
}
