package shop;
import java.net.http.*; import java.util.*;
import org.junit.jupiter.api.extension.*;
/** For @RegisterExtension: each test gets an account. After the test it prints explain() and deletes the account. */
public final class SmsVendor implements BeforeEachCallback, AfterEachCallback {
    private static final String NUMBER = "\"number\":(\\d+)", TEXT = "(?:[^\"\\\\]|\\\\.)*";
    static final String FINDING = "\"code\":\"(\\w+\\.(?!fault|reserved|delivery)[^{]*\"sentence\":\"" + TEXT + ")\"";
    static final String PORT = System.getenv().getOrDefault("SMS10692_MOCK_PORT", "x").replaceFirst("\\D.*", "10692");
    public final String url = System.getenv().getOrDefault("SMS10692_MOCK_URL", "http://127.0.0.1:" + PORT);
    public String userid, account, password; private String after; private final String settings;
    public SmsVendor() { this("{\"private_clock\": true}"); }
    /** Each account has these settings: {"private_clock": true, "profile": "observed", "points": 5}. */
    public SmsVendor(String settings) { this.settings = settings; }
    @Override public void beforeEach(ExtensionContext context) throws Exception {
        userid = after = ""; String created = call("POST", "", settings);
        account = text(created, "account"); password = text(created, "password"); userid = text(created, "userid");
    }
    @Override public void afterEach(ExtensionContext context) throws Exception {
        String explanation = userid.isEmpty() ? "" : explain();
        if (!explanation.isEmpty()) System.err.println(context.getRequiredTestMethod().getName() + ": " + explanation);
        if (!userid.isEmpty()) call("DELETE", "", "");
    }
    /** Waits up to 5 seconds for the next message to this number, and returns its text. */
    public String waitMessage(String mobile) throws Exception {
        String page = call("GET", "/messages?limit=1&wait=5&mobile=" + mobile + after, "");
        if (page.contains("\"items\":[]")) throw new AssertionError("no message to " + mobile + "\n" + explain());
        after = "&after=" + find(page, NUMBER).get(0);
        return text(page, "content");
    }
    /** Adds a fault: {"kind": "disconnect"}, {"kind": "status", "status": 503, "operations": ["send"]}. */
    public void fault(String document) throws Exception { call("POST", "/faults", document); }
    /** Moves the account's clock to its next report or reply, so that the code under test can fetch a late one. */
    public void advanceToNext() throws Exception { call("POST", "/clock/advance", "{\"to\": \"next\"}"); }
    /** Says what was wrong with the requests of this account, a line each. What the test demanded is not wrong. */
    public String explain() throws Exception {
        boolean none = find(call("GET", "/requests?limit=1", ""), NUMBER).isEmpty();
        StringJoiner lines = new StringJoiner("\n", none ? "no request named the userid " + userid : "", "");
        for (String number : find(call("GET", "/requests?has_findings=true", ""), NUMBER)) {
            String request = call("GET", "/requests/" + number, ""), refusal = text(request, "refusal");
            String outcome = text(request, "operation") + " " + (refusal.isEmpty() ? "not refused" : refusal) + ", ";
            for (String one : find(request, FINDING)) lines.add(outcome + one.replaceFirst("\",.*?e\":\"", ": "));
        }
        return lines.toString();
    }
    /** Fails if a request of this account had a mistake, also one that the vendor accepts, or if there was none. */
    public void assertNoFindings() throws Exception { if (!explain().isEmpty()) throw new AssertionError(explain()); }
    /** Calls the control API below the account: call("POST", "/clock/advance", "{\"seconds\": 60}"). */
    public String call(String method, String path, String document) throws Exception {
        var uri = java.net.URI.create(url + "/_mock/accounts" + (userid.isEmpty() ? "" : "/" + userid) + path);
        HttpRequest request = HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.ofString(document))
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + System.getenv().getOrDefault("SMS10692_MOCK_TOKEN", "")).build();
        HttpResponse<String> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() < 300) return response.body();
        throw new IllegalStateException(method + " " + uri + ": " + response.body());
    }
    private static List<String> find(String json, String pattern) { return java.util.regex.Pattern.compile(pattern)
            .matcher(json).results().map(m -> m.group(1).translateEscapes()).toList(); }
    static String text(String json, String name) { return find(json, '"' + name + "\":\"(" + TEXT + ")\"").get(0); }
}
