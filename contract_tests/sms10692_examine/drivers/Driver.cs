// Driver of sms10692-examine in C#, for Mono and .NET, class library only.
//
//     mcs -r:System.Net.Http,System.Xml.Linq,System.Runtime.Serialization Driver.cs
//     sms10692-examine run -- mono Driver.exe
//
// Replace the client by calls of your own, and keep the driver below it.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.Serialization.Json;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using System.Xml;
using System.Xml.Linq;

// ---- The client: replace this part by your own.

/// <summary>The vendor refused the request; the text is its message.</summary>
class SmsRefused : Exception
{
    public SmsRefused(string message) : base(message) { }
}

/// <summary>No answer, or none that can be read: nobody knows what the vendor did, so nothing is repeated.</summary>
class SmsUnknown : Exception
{
    public SmsUnknown(string reason) : base(reason) { }
}

class SmsClient
{
    static readonly TimeSpan China = TimeSpan.FromHours(8);
    readonly SmsSettings settings;
    readonly HttpClient http;
    readonly Encoding charset;

    public SmsClient(SmsSettings settings)
    {
        this.settings = settings;
        http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { Timeout = settings.Timeout };
        http.DefaultRequestHeaders.ExpectContinue = false;
#if NETCOREAPP
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
#endif
        // A character that the charset lacks is an error, and no question mark.
        charset = Encoding.GetEncoding(settings.IsGbk ? 936 : 65001, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
    }

    public async Task<XElement> Send(IEnumerable<string> mobiles, string content, DateTimeOffset? sendTime, string extno)
    {
        var root = await CallSmsPage(new Dictionary<string, string> {
            ["action"] = "send",
            ["mobile"] = string.Join(",", mobiles.Distinct()), // a number given twice would be charged twice
            ["content"] = content,
            ["sendTime"] = sendTime?.ToOffset(China).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "",
            ["extno"] = extno,
        });
        if ((string)root.Element("returnstatus") != "Success") throw new SmsRefused((string)root.Element("message"));
        return root;
    }

    public async Task<XElement> Overage()
    {
        var root = await CallSmsPage(new Dictionary<string, string> { ["action"] = "overage" });
        // The vendor writes Sucess.
        if ((string)root.Element("returnstatus") != "Sucess") throw new SmsRefused((string)root.Element("message"));
        return root;
    }

    public async Task<bool> IsForbidden(string content)
    {
        var root = await CallSmsPage(new Dictionary<string, string> { ["action"] = "checkkeyword", ["content"] = content });
        var message = (string)root.Element("message") ?? "";
        if (message != "没有包含屏蔽词" && !message.StartsWith("包含", StringComparison.Ordinal)) throw new SmsRefused(message);
        return message != "没有包含屏蔽词";
    }

    /// <summary>Fetches items of the queue status or call; the vendor then forgets them.</summary>
    public async Task<IEnumerable<XElement>> Fetch(string queue)
    {
        var root = await Post(queue + "Api.aspx", Encoding.UTF8, new Dictionary<string, string> { ["action"] = "query" });
        var error = root.Element("errorstatus");
        if (error != null) throw new SmsRefused((string)error.Element("remark"));
        return root.Elements(queue + "box");
    }

    Task<XElement> CallSmsPage(Dictionary<string, string> fields)
    {
        return Post(settings.IsGbk ? "smsGBK.aspx" : "sms.aspx", charset, fields);
    }

    async Task<XElement> Post(string page, Encoding charset, Dictionary<string, string> fields)
    {
        string body;
        try
        {
            body = string.Join("&", Credentials().Concat(fields).Select(field => field.Key + "=" + Encode(field.Value, charset)));
        }
        catch (EncoderFallbackException error)
        {
            throw new SmsRefused("the charset has no such character: " + error.Message);
        }
        var form = new ByteArrayContent(Encoding.ASCII.GetBytes(body));
        form.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded");
        try
        {
            using (var response = await http.PostAsync(settings.Url + (settings.IsSigned ? "/v2" : "/") + page, form))
            {
                var content = await response.Content.ReadAsByteArrayAsync();
                if ((int)response.StatusCode != 200) throw new SmsUnknown("HTTP " + (int)response.StatusCode);
                var root = XElement.Load(new MemoryStream(content)); // the declaration tells the charset
                if (root.Name != "returnsms") throw new SmsUnknown("the response is <" + root.Name + ">, not <returnsms>");
                return root;
            }
        }
        catch (Exception error) when (
            error is HttpRequestException || error is OperationCanceledException || error is IOException
            || error is System.Net.WebException || error is XmlException || error is ArgumentException)
        {
            throw new SmsUnknown(error.GetType().Name + ": " + error.Message);
        }
    }

    static string Encode(string text, Encoding charset)
    {
        var encoded = new StringBuilder();
        foreach (var octet in charset.GetBytes(text))
        {
            var isPlain = octet < 128 && char.IsLetterOrDigit((char)octet);
            encoded.Append(isPlain ? ((char)octet).ToString() : "%" + octet.ToString("X2"));
        }
        return encoded.ToString();
    }

    Dictionary<string, string> Credentials()
    {
        if (!settings.IsSigned)
        {
            return new Dictionary<string, string> {
                ["userid"] = settings.UserId, ["account"] = settings.Account, ["password"] = settings.Password,
            };
        }
        var now = (DateTimeOffset.UtcNow + settings.ClockOffset).ToOffset(China);
        var timestamp = now.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture);
        using (var md5 = MD5.Create())
        {
            var digest = md5.ComputeHash(Encoding.UTF8.GetBytes(settings.Account + settings.Password + timestamp));
            var sign = string.Concat(digest.Select(octet => octet.ToString("x2")));
            return new Dictionary<string, string> { ["userid"] = settings.UserId, ["timestamp"] = timestamp, ["sign"] = sign };
        }
    }
}

// ---- The driver: keep this part. An item is answered when it was processed.

static class Driver
{
    static async Task<string> Work(SmsClient client, XElement request, Action<string, string> answer)
    {
        string operation = (string)request.Element("operation"), content = (string)request.Element("content");
        if (operation == "send")
        {
            var time = (string)request.Element("sendTime");
            var sent = await client.Send(request.Element("mobiles").Elements().Select(mobile => mobile.Value), content,
                time == "" ? (DateTimeOffset?)null : DateTimeOffset.Parse(time, CultureInfo.InvariantCulture), (string)request.Element("extno"));
            return Json.Member(sent, "taskID") + Json.Number(sent, "successCounts") + Json.Number(sent, "remainpoint");
        }
        if (operation == "overage") return Json.Number(await client.Overage(), "overage");
        if (operation == "checkkeyword") return ",\"forbidden\":" + (await client.IsForbidden(content) ? "true" : "false");
        foreach (var item in await client.Fetch(operation))
        {
            var status = item.Element("status");
            if (status != null) status.Value = status.Value == "10" ? "delivered" : status.Value == "20" ? "failed" : status.Value;
            answer("item", string.Concat(item.Elements().Select(value => Json.Member(item, value.Name.LocalName))));
        }
        return "";
    }

    static void Main()
    {
        var client = (SmsClient)null;
        for (string line; (line = Console.In.ReadLine()) != null; )
        {
            var request = Json.Read(line);
            Action<string, string> answer = (kind, members) =>
                Console.Out.WriteLine("{\"id\":" + request.Element("id").Value + ",\"answer\":\"" + kind + "\"" + members + "}");
            if ((string)request.Element("operation") == "configure")
            {
                client = new SmsClient(Json.ReadSettings(request));
                answer("configured", ",\"client\":\"C# HttpClient\",\"operations\":[\"send\",\"overage\",\"checkkeyword\",\"status\",\"call\"],\"claims\":[\"clock\"]");
                continue;
            }
            try { answer("accepted", Work(client, request, answer).GetAwaiter().GetResult()); }
            catch (SmsRefused error) { answer("refused", ",\"message\":" + Json.Quote(error.Message)); }
            catch (SmsUnknown error) { answer("unknown", ",\"reason\":" + Json.Quote(error.Message)); }
        }
    }
}

// ---- JSON with the class library of both Mono and .NET: an object is read as XML, and members are written as text.

class SmsSettings
{
    public string Url, UserId, Account, Password;
    public bool IsSigned, IsGbk;
    public TimeSpan Timeout, ClockOffset;
}

static class Json
{
    public static XElement Read(string line)
    {
        var quotas = XmlDictionaryReaderQuotas.Max;
        return XElement.Load(JsonReaderWriterFactory.CreateJsonReader(Encoding.UTF8.GetBytes(line), quotas));
    }

    public static SmsSettings ReadSettings(XElement request)
    {
        return new SmsSettings {
            Url = (string)request.Element("url"),
            UserId = (string)request.Element("userid"),
            Account = (string)request.Element("account"),
            Password = (string)request.Element("password"),
            IsSigned = (string)request.Element("authentication") == "signed",
            IsGbk = (string)request.Element("charset") == "gb2312",
            Timeout = TimeSpan.FromSeconds((double)request.Element("timeout")),
            ClockOffset = TimeSpan.FromSeconds((double)request.Element("clock_offset")),
        };
    }

    public static string Member(XElement parent, string name)
    {
        return ",\"" + name + "\":" + Quote((string)parent.Element(name) ?? "");
    }

    public static string Number(XElement parent, string name)
    {
        int number;
        var text = (string)parent.Element(name);
        if (!int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out number)) throw new SmsUnknown(name + " is " + text);
        return ",\"" + name + "\":" + number.ToString(CultureInfo.InvariantCulture);
    }

    public static string Quote(string text)
    {
        return "\"" + string.Concat((text ?? "").Select(character =>
            character < 32 || character > 126 || character == '"' || character == '\\' ? "\\u" + ((int)character).ToString("x4") : character.ToString())) + "\"";
    }
}
