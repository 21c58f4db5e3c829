package shop;
import java.net.URI;
import java.net.http.*;
import java.util.regex.Pattern;
import org.junit.jupiter.api.extension.*;

/** For @RegisterExtension: each test gets an account of its own on a running emulator; it is deleted after the test. */
public final class SmsVendor implements BeforeEachCallback, AfterEachCallback {
    public final String url = System.getenv().getOrDefault("SMS10692_MOCK_URL", "http://127.0.0.1:10692");
    public String userid, account, password;
    private String after;
    @Override public void beforeEach(ExtensionContext context) throws Exception {
        userid = after = "";
        String created = call("POST", "", "{\"private_clock\": true}");
        account = text(created, "account");
        password = text(created, "password");
        userid = text(created, "userid"); // from here on, paths are those of the account
    }

    @Override public void afterEach(ExtensionContext context) throws Exception {
        if (!userid.isEmpty()) call("DELETE", "", "");
    }

    /** Waits up to 5 seconds for the next message to this number, and returns its text. */
    public String waitMessage(String mobile) throws Exception {
        String page = call("GET", "/messages?limit=1&wait=5&mobile=" + mobile + after, "");
        if (page.contains("\"items\":[]")) throw new AssertionError("no message to " + mobile + "; " + explain());
        after = "&after=" + find(page, "\"number\":(\\d+)");
        return text(page, "content");
    }

    /** Adds a fault: {"kind": "disconnect"}, {"kind": "status", "status": 503, "operations": ["send"]}. */
    public void fault(String document) throws Exception { call("POST", "/faults", document); }

    /** Describes the last request that named this account, and what was wrong with it. */
    public String explain() throws Exception {
        String number = find(call("GET", "/requests?order=desc&limit=1", ""), "\"number\":(\\d+)");
        String last = number.isEmpty() ? "none" : call("GET", "/requests/" + number, "");
        return "last request: " + text(last, "refusal") + last.replaceFirst(".*\"diagnosis\":", " ");
    }

    /** Calls the control API below the account: call("POST", "/clock/advance", "{\"seconds\": 60}"). */
    public String call(String method, String path, String document) throws Exception {
        URI uri = URI.create(url + "/_mock/accounts" + (userid.isEmpty() ? "" : "/" + userid) + path);
        HttpRequest request = HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.ofString(document))
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + System.getenv().getOrDefault("SMS10692_MOCK_TOKEN", "")).build();
        HttpResponse<String> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() < 300) return response.body();
        throw new IllegalStateException(method + " " + uri + ": " + response.body());
    }

    private static String find(String json, String pattern) {
        return Pattern.compile(pattern).matcher(json).results().map(match -> match.group(1)).findFirst().orElse("");
    }
    private static String text(String json, String name) {
        return find(json, "\"" + name + "\":\"((?:[^\"\\\\]|\\\\.)*)\"").translateEscapes();
    }
}
