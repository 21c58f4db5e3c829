// A client as many are written in Java: HttpURLConnection, and chunks. Prints the response bodies, in base64.
//
//     java Client.java URL USERID ACCOUNT PASSWORD MOBILES TEXT WORD
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.text.SimpleDateFormat;
import java.util.Base64;
import java.util.Date;

public class Client {
    static String url, userid, account, password;

    static String signed() throws Exception {
        String timestamp = new SimpleDateFormat("yyyyMMddHHmmss").format(new Date());
        byte[] text = (account + password + timestamp).getBytes(StandardCharsets.UTF_8);
        StringBuilder sign = new StringBuilder();
        for (byte one : MessageDigest.getInstance("MD5").digest(text)) {
            sign.append(String.format("%02x", one));
        }
        return "userid=" + userid + "&timestamp=" + timestamp + "&sign=" + sign;
    }

    static void post(String page, byte[] body, boolean chunked) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) URI.create(url + page).toURL().openConnection();
        connection.setRequestMethod("POST");
        connection.setDoOutput(true);
        if (chunked) {
            connection.setChunkedStreamingMode(16);
        }
        try (OutputStream out = connection.getOutputStream()) {
            out.write(body);
        }
        try (InputStream in = connection.getInputStream()) {
            System.out.println(Base64.getEncoder().encodeToString(in.readAllBytes()));
        }
    }

    public static void main(String[] a) throws Exception {
        url = a[0];
        userid = a[1];
        account = a[2];
        password = a[3];
        String mobiles = a[4], text = a[5], word = a[6];
        Charset gbk = Charset.forName("GBK");
        String utf8 = URLEncoder.encode(text, "UTF-8"), inGbk = URLEncoder.encode(text, "GBK");
        String send = "&action=send&mobile=" + mobiles + "&content=";
        post("/v2sms.aspx", (signed() + send + utf8).getBytes(), false);
        post("/v2sms.aspx", (signed() + send + text).getBytes(StandardCharsets.UTF_8), true);
        post("/v2smsGBK.aspx", (signed() + send + inGbk).getBytes(), false);
        post("/v2smsGBK.aspx", (signed() + send + word).getBytes(gbk), true);
        post("/v2sms.aspx?" + signed() + "&action=checkkeyword&content=" + utf8, new byte[0], false);
        post("/v2smsGBK.aspx", (signed() + "&action=overage").getBytes(), false);
        String clear = "userid=" + userid + "&account=" + URLEncoder.encode(account, "UTF-8") + "&password=" + URLEncoder.encode(password, "UTF-8");
        post("/sms.aspx", (clear + send + utf8).getBytes(), true);
        post("/smsGBK.aspx", (clear + "&action=overage").getBytes(), false);
        post("/v2statusApi.aspx", (signed() + "&action=query").getBytes(), false);
        post("/v2callApi.aspx", (signed() + "&action=query").getBytes(), false);
        post("/callApi.aspx", (clear + "&action=query").getBytes(), false);
    }
}
