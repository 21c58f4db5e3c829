package shop;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;

/** The code under test: it sends a verification code to a new customer. */
public record Registration(String url, String userid, String account, String password) {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    public void register(String mobile) throws IOException, InterruptedException {
        String timestamp =
                ZonedDateTime.now(ZoneId.of("Asia/Shanghai")).format(DateTimeFormatter.ofPattern("yyyyMMddHHmmss"));
        String form = "action=send&userid=" + userid + "&timestamp=" + timestamp
                + "&sign=" + md5(account + password + timestamp) + "&mobile=" + mobile
                + "&content=" + URLEncoder.encode("【示例】您的验证码是 1234", StandardCharsets.UTF_8);
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/v2sms.aspx"))
                .timeout(Duration.ofSeconds(10))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build();
        String response = CLIENT.send(request, HttpResponse.BodyHandlers.ofString()).body();
        if (!response.contains("<returnstatus>Success</returnstatus>")) {
            throw new IllegalStateException("the vendor refused to send the code: " + response);
        }
    }

    private static String md5(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }
}
