<?php
// A client as many are written in PHP: each request in another form. Prints the response bodies, in base64.
//
//     php client.php URL USERID ACCOUNT PASSWORD MOBILES TEXT WORD
[, $url, $userid, $account, $password, $mobiles, $text, $word] = $argv;

function post(string $url, string $body, string $type): void
{
    $context = stream_context_create(['http' => [
        'method' => 'POST', 'header' => "Content-Type: $type\r\nConnection: close", 'content' => $body,
        'protocol_version' => 1.1, 'ignore_errors' => true,
    ]]);
    echo base64_encode(file_get_contents($url, false, $context)), "\n";
}

function signed(array $fields): array
{
    global $userid, $account, $password;
    $timestamp = date('YmdHis');
    return ['userid' => $userid, 'timestamp' => $timestamp, 'sign' => md5($account . $password . $timestamp)] + $fields;
}

$form = 'application/x-www-form-urlencoded';
$send = ['action' => 'send', 'mobile' => $mobiles, 'content' => $text, 'sendTime' => '', 'extno' => ''];

// Percent-encoded; then without any encoding, in GBK, with the action in the query string.
post("$url/v2sms.aspx", http_build_query(signed($send)), $form);
$raw = '';
foreach (signed(['mobile' => $mobiles, 'content' => iconv('UTF-8', 'GBK', $text)]) as $name => $value) {
    $raw .= "&$name=$value";
}
post("$url/v2smsGBK.aspx?action=send", $raw, $form);

// As PHP's curl sends an array: multipart.
$boundary = '----------------------------a1b2c3';
$parts = '';
foreach (signed(['content' => $word, 'mobile' => $mobiles, 'action' => 'send']) as $name => $value) {
    $parts .= "--$boundary\r\nContent-Disposition: form-data; name=\"$name\"\r\n\r\n$value\r\n";
}
post("$url/v2sms.aspx", "$parts--$boundary--\r\n", "multipart/form-data; boundary=$boundary");

post("$url/v2smsGBK.aspx", http_build_query(signed(['action' => 'checkkeyword', 'content' => iconv('UTF-8', 'GBK', $word)])), $form);
post("$url/v2sms.aspx?rt=json", http_build_query(signed(['action' => 'overage'])), $form);

// The older generation, with GET and raw text in the query string; and a wrong password.
$clear = "userid=$userid&account=" . rawurlencode($account) . "&password=";
echo base64_encode(file_get_contents("$url/sms.aspx?action=send&$clear" . rawurlencode($password) . "&mobile=$mobiles&content=$text")), "\n";
post("$url/sms.aspx", "action=overage&{$clear}wrong", $form);

post("$url/v2statusApi.aspx", http_build_query(signed(['action' => 'query', 'statusNum' => 2])), $form);
post("$url/v2statusApi.aspx", http_build_query(signed(['action' => 'query', 'statusNum' => 2])), $form);
post("$url/v2callApi.aspx", http_build_query(signed(['action' => 'query'])), $form);
