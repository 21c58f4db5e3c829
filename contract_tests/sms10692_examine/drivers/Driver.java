// Driver of sms10692-examine in Java 17 or later, JDK only.
//
//     javac Driver.java
//     sms10692-examine run -- java -cp . Driver
//
// Replace the client by calls of your own, and keep the driver and the reader of JSON.

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;

public class Driver {
    // ---- The driver: keep this part. An item is answered when it was processed.

    public static void main(String[] arguments) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        var output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        SmsClient client = null;
        for (String line; (line = input.readLine()) != null; ) {
            Map<String, Object> request = new JsonReader(line).readObject();
            BiConsumer<String, Map<String, Object>> answer = (kind, fields) -> {
                var document = new LinkedHashMap<String, Object>(Map.of("id", request.get("id"), "answer", kind));
                document.putAll(fields);
                output.println(JsonReader.write(document));
            };
            if (request.get("operation").equals("configure")) {
                client = new SmsClient(request);
                var operations = List.of("send", "overage", "checkkeyword", "status", "call");
                answer.accept("configured", Map.of("client", "Java HttpClient", "operations", operations, "claims", List.of("clock")));
                continue;
            }
            try {
                answer.accept("accepted", work(client, request, answer));
            } catch (SmsRefused error) {
                answer.accept("refused", Map.of("message", error.getMessage()));
            } catch (SmsUnknown error) {
                answer.accept("unknown", Map.of("reason", error.getMessage()));
            }
        }
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> work(SmsClient client, Map<String, Object> request, BiConsumer<String, Map<String, Object>> answer)
            throws SmsRefused, SmsUnknown {
        String operation = (String) request.get("operation"), content = (String) request.get("content");
        switch (operation) {
            case "send":
                return client.send((List<String>) request.get("mobiles"), content, (String) request.get("sendTime"), (String) request.get("extno"));
            case "overage":
                return client.overage();
            case "checkkeyword":
                return Map.of("forbidden", client.isForbidden(content));
        }
        for (Map<String, Object> item : client.fetch(operation)) {
            item.computeIfPresent("status", (name, status) -> Map.<Object, Object>of("10", "delivered", "20", "failed").getOrDefault(status, status));
            answer.accept("item", item);
        }
        return Map.of();
    }
}

// ---- The client: replace this part by your own.

/** The vendor refused the request; the text is its message. */
class SmsRefused extends Exception {
    SmsRefused(String message) {
        super(message);
    }
}

/** No answer, or none that can be read: nobody knows what the vendor did, so nothing is repeated. */
class SmsUnknown extends Exception {
    SmsUnknown(String reason) {
        super(reason);
    }
}

class SmsClient {
    private static final ZoneId CHINA = ZoneId.of("Asia/Shanghai");

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1) // no attempt to upgrade to HTTP/2
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();
    private final Map<String, Object> settings;
    private final boolean isSigned;
    private final boolean isGbk;

    SmsClient(Map<String, Object> settings) {
        this.settings = settings;
        this.isSigned = settings.get("authentication").equals("signed");
        this.isGbk = settings.get("charset").equals("gb2312");
    }

    Map<String, Object> send(List<String> mobiles, String content, String sendTime, String extno)
            throws SmsRefused, SmsUnknown {
        var fields = new LinkedHashMap<String, String>();
        fields.put("action", "send");
        fields.put("mobile", String.join(",", new LinkedHashSet<>(mobiles))); // a number given twice would be charged twice
        fields.put("content", content);
        fields.put("sendTime", sendTime == null ? "" : OffsetDateTime.parse(sendTime).atZoneSameInstant(CHINA)
                .format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss")));
        fields.put("extno", extno);
        Element root = callSmsPage(fields);
        if (!text(root, "returnstatus").equals("Success")) {
            throw new SmsRefused(text(root, "message"));
        }
        return Map.of("taskID", text(root, "taskID"), "successCounts", number(root, "successCounts"),
                "remainpoint", number(root, "remainpoint"));
    }

    Map<String, Object> overage() throws SmsRefused, SmsUnknown {
        Element root = callSmsPage(Map.of("action", "overage"));
        if (!text(root, "returnstatus").equals("Sucess")) { // the spelling of the vendor
            throw new SmsRefused(text(root, "message"));
        }
        return Map.of("overage", number(root, "overage"), "payinfo", text(root, "payinfo"));
    }

    boolean isForbidden(String content) throws SmsRefused, SmsUnknown {
        String message = text(callSmsPage(Map.of("action", "checkkeyword", "content", content)), "message");
        if (!message.equals("没有包含屏蔽词") && !message.startsWith("包含")) {
            throw new SmsRefused(message);
        }
        return !message.equals("没有包含屏蔽词");
    }

    /** Fetches items of the queue status or call; the vendor then forgets them. */
    List<Map<String, Object>> fetch(String queue) throws SmsRefused, SmsUnknown {
        Element root = post(queue + "Api.aspx", StandardCharsets.UTF_8, Map.of("action", "query"));
        Element error = child(root, "errorstatus");
        if (error != null) {
            throw new SmsRefused(text(error, "remark"));
        }
        var items = new ArrayList<Map<String, Object>>();
        for (Element box : children(root)) {
            if (box.getTagName().equals(queue + "box")) {
                var item = new LinkedHashMap<String, Object>();
                children(box).forEach(value -> item.put(value.getTagName(), value.getTextContent()));
                items.add(item);
            }
        }
        return items;
    }

    private Element callSmsPage(Map<String, String> fields) throws SmsRefused, SmsUnknown {
        return isGbk ? post("smsGBK.aspx", Charset.forName("GBK"), fields) : post("sms.aspx", StandardCharsets.UTF_8, fields);
    }

    private Element post(String page, Charset charset, Map<String, String> fields) throws SmsRefused, SmsUnknown {
        var form = new LinkedHashMap<String, String>(credentials());
        form.putAll(fields);
        for (String value : form.values()) {
            if (!charset.newEncoder().canEncode(value)) { // URLEncoder would write a question mark
                throw new SmsRefused(charset + " lacks a character of " + value);
            }
        }
        String body = form.entrySet().stream()
                .map(field -> field.getKey() + "=" + URLEncoder.encode(field.getValue(), charset))
                .collect(Collectors.joining("&"));
        var request = HttpRequest.newBuilder(URI.create(settings.get("url") + (isSigned ? "/v2" : "/") + page))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(body, StandardCharsets.US_ASCII))
                .build();
        CompletableFuture<HttpResponse<byte[]>> future = http.sendAsync(request, HttpResponse.BodyHandlers.ofByteArray());
        HttpResponse<byte[]> response;
        try {
            long milliseconds = Math.round(((Number) settings.get("timeout")).doubleValue() * 1000);
            response = future.get(milliseconds, TimeUnit.MILLISECONDS); // a timeout of the request ends with the headers
        } catch (TimeoutException error) {
            future.cancel(true);
            throw new SmsUnknown("no response in time");
        } catch (ExecutionException error) {
            throw new SmsUnknown(String.valueOf(error.getCause()));
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new SmsUnknown("interrupted");
        }
        if (response.statusCode() != 200) {
            throw new SmsUnknown("HTTP " + response.statusCode());
        }
        return parse(response.body());
    }

    private Map<String, String> credentials() {
        String userid = (String) settings.get("userid");
        String account = (String) settings.get("account"), password = (String) settings.get("password");
        var credentials = new LinkedHashMap<String, String>(Map.of("userid", userid));
        if (isSigned) {
            long offset = ((Number) settings.get("clock_offset")).longValue();
            String timestamp = DateTimeFormatter.ofPattern("yyyyMMddHHmmss").withZone(CHINA).format(Instant.now().plusSeconds(offset));
            credentials.put("timestamp", timestamp);
            credentials.put("sign", md5(account + password + timestamp));
        } else {
            credentials.put("account", account);
            credentials.put("password", password);
        }
        return credentials;
    }

    private static String md5(String text) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error); // every JDK has MD5
        }
    }

    private static Element parse(byte[] content) throws SmsUnknown {
        try {
            var factory = DocumentBuilderFactory.newInstance();
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            DocumentBuilder builder = factory.newDocumentBuilder();
            builder.setErrorHandler(null);
            Element root = builder.parse(new ByteArrayInputStream(content)).getDocumentElement();
            if (!root.getTagName().equals("returnsms")) {
                throw new SmsUnknown("the response is <" + root.getTagName() + ">, not <returnsms>");
            }
            return root;
        } catch (SAXException | IOException error) {
            throw new SmsUnknown("the response is no XML: " + error.getMessage());
        } catch (ParserConfigurationException error) {
            throw new IllegalStateException(error);
        }
    }

    private static List<Element> children(Element parent) {
        var elements = new ArrayList<Element>();
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element element) {
                elements.add(element);
            }
        }
        return elements;
    }

    private static Element child(Element parent, String name) {
        return children(parent).stream().filter(element -> element.getTagName().equals(name)).findFirst().orElse(null);
    }

    private static String text(Element parent, String name) {
        Element element = child(parent, name);
        return element == null ? "" : element.getTextContent();
    }

    private static int number(Element parent, String name) throws SmsUnknown {
        String text = text(parent, name);
        try {
            return text.isEmpty() ? 0 : Integer.parseInt(text);
        } catch (NumberFormatException error) {
            throw new SmsUnknown(name + " is " + text);
        }
    }
}

// ---- JSON, which the JDK lacks: with Jackson or Gson this part goes away.

class JsonReader {
    private final String text;
    private int position;

    JsonReader(String text) {
        this.text = text;
    }

    Map<String, Object> readObject() {
        var object = new LinkedHashMap<String, Object>();
        for (position++; text.charAt(position) != '}'; skip(',')) {
            String name = readString();
            skip(':');
            object.put(name, readValue());
        }
        position++;
        return object;
    }

    private Object readValue() {
        switch (text.charAt(position)) {
            case '"':
                return readString();
            case '{':
                return readObject();
            case '[':
                var list = new ArrayList<Object>();
                for (position++; text.charAt(position) != ']'; skip(',')) {
                    list.add(readValue());
                }
                position++;
                return list;
            default:
                int start = position;
                while (",]}".indexOf(text.charAt(position)) < 0) {
                    position++;
                }
                String word = text.substring(start, position);
                return switch (word) {
                    case "null" -> null;
                    case "true", "false" -> Boolean.valueOf(word);
                    default -> word.matches("-?\\d+") ? (Object) Long.valueOf(word) : (Object) Double.valueOf(word);
                };
        }
    }

    private String readString() {
        var string = new StringBuilder();
        for (position++; text.charAt(position) != '"'; position++) {
            char character = text.charAt(position);
            if (character == '\\') {
                character = text.charAt(++position);
                if (character == 'u') {
                    character = (char) Integer.parseInt(text, position + 1, position + 5, 16);
                    position += 4;
                } else if ("bfnrt".indexOf(character) >= 0) {
                    character = "\b\f\n\r\t".charAt("bfnrt".indexOf(character));
                }
            }
            string.append(character);
        }
        position++;
        return string.toString();
    }

    /** Skips a separator, if there is one. The examiner writes no space between values. */
    private void skip(char separator) {
        if (text.charAt(position) == separator) {
            position++;
        }
    }

    static String write(Object value) {
        if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream().map(entry -> write(entry.getKey()) + ":" + write(entry.getValue()))
                    .collect(Collectors.joining(",", "{", "}"));
        }
        if (value instanceof List<?> list) {
            return list.stream().map(JsonReader::write).collect(Collectors.joining(",", "[", "]"));
        }
        if (!(value instanceof String string)) {
            return String.valueOf(value);
        }
        return string.chars().mapToObj(c -> c < 32 || c == '"' || c == '\\' || c > 126 ? String.format("\\u%04x", c) : "" + (char) c)
                .collect(Collectors.joining("", "\"", "\""));
    }
}
