<?php
// Driver of sms10692-examine in PHP 8, with its standard extensions iconv, json and SimpleXML.
//
//     sms10692-examine run -- php driver.php
//
// Replace the client by calls of your own, and keep the driver below it.
declare(strict_types=1);

// ---- The client: replace this part by your own.

/** The vendor refused the request; the text is its message. */
final class SmsRefused extends Exception {}

/** No answer, or none that can be read: nobody knows what the vendor did, so nothing is repeated. */
final class SmsUnknown extends Exception {}

final class SmsClient
{
    public function __construct(private array $settings) {}

    public function send(array $mobiles, string $content, ?string $sendTime, string $extno): array
    {
        $china = new DateTimeZone('Asia/Shanghai');
        $root = $this->callSmsPage([
            'action' => 'send',
            'mobile' => implode(',', array_unique($mobiles)), // a number given twice would be charged twice
            'content' => $content,
            'sendTime' => $sendTime ? (new DateTimeImmutable($sendTime))->setTimezone($china)->format('Y-m-d H:i:s') : '',
            'extno' => $extno,
        ]);
        if ((string) $root->returnstatus !== 'Success') {
            throw new SmsRefused((string) $root->message);
        }
        return [
            'taskID' => (string) $root->taskID,
            'successCounts' => (int) $root->successCounts,
            'remainpoint' => (int) $root->remainpoint,
        ];
    }

    public function overage(): array
    {
        $root = $this->callSmsPage(['action' => 'overage']);
        if ((string) $root->returnstatus !== 'Sucess') { // the spelling of the vendor
            throw new SmsRefused((string) $root->message);
        }
        return ['overage' => (int) $root->overage, 'payinfo' => (string) $root->payinfo];
    }

    public function checkkeyword(string $content): array
    {
        $message = (string) $this->callSmsPage(['action' => 'checkkeyword', 'content' => $content])->message;
        if ($message !== '没有包含屏蔽词' && !str_starts_with($message, '包含')) {
            throw new SmsRefused($message);
        }
        return ['forbidden' => $message !== '没有包含屏蔽词'];
    }

    /** Fetches items of the queue status or call; the vendor then forgets them. */
    public function fetch(string $queue): array
    {
        $root = $this->post("{$queue}Api.aspx", 'UTF-8', ['action' => 'query']);
        if (isset($root->errorstatus)) {
            throw new SmsRefused((string) $root->errorstatus->remark);
        }
        $items = [];
        foreach ($root->{"{$queue}box"} as $box) {
            $item = [];
            foreach ($box as $name => $value) {
                $item[$name] = (string) $value;
            }
            $items[] = $item;
        }
        return $items;
    }

    private function callSmsPage(array $fields): SimpleXMLElement
    {
        $isGbk = $this->settings['charset'] === 'gb2312';
        return $this->post($isGbk ? 'smsGBK.aspx' : 'sms.aspx', $isGbk ? 'GBK' : 'UTF-8', $fields);
    }

    private function post(string $page, string $charset, array $fields): SimpleXMLElement
    {
        $encoded = [];
        foreach ($this->credentials() + $fields as $name => $value) {
            $encoded[$name] = @iconv('UTF-8', $charset, $value);
            if ($encoded[$name] === false) {
                throw new SmsRefused("$charset has no such character: $value");
            }
        }
        $timeout = (float) $this->settings['timeout'];
        $deadline = microtime(true) + 2 * $timeout; // `timeout` limits each read only
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => "Content-Type: application/x-www-form-urlencoded\r\nConnection: close",
            'content' => http_build_query($encoded, '', '&'),
            'protocol_version' => 1.1,
            'timeout' => $timeout,
            'follow_location' => 0,
            'ignore_errors' => true,
        ]]);
        $prefix = $this->settings['authentication'] === 'signed' ? 'v2' : '';
        $stream = @fopen("{$this->settings['url']}/$prefix$page", 'rb', false, $context);
        if ($stream === false) {
            throw new SmsUnknown(error_get_last()['message'] ?? 'no response');
        }
        $content = '';
        while (!feof($stream)) {
            $content .= fread($stream, 65536);
            if (stream_get_meta_data($stream)['timed_out'] || microtime(true) > $deadline) {
                throw new SmsUnknown('the response is too slow');
            }
        }
        $status = stream_get_meta_data($stream)['wrapper_data'][0];
        if (!preg_match('~^HTTP/\S+ 200\b~', $status)) {
            throw new SmsUnknown($status);
        }
        libxml_use_internal_errors(true);
        $root = simplexml_load_string($content, SimpleXMLElement::class, LIBXML_NONET | LIBXML_PARSEHUGE);
        if ($root === false || $root->getName() !== 'returnsms') {
            throw new SmsUnknown('the response is not <returnsms>');
        }
        return $root;
    }

    private function credentials(): array
    {
        ['userid' => $userid, 'account' => $account, 'password' => $password] = $this->settings;
        if ($this->settings['authentication'] !== 'signed') {
            return ['userid' => $userid, 'account' => $account, 'password' => $password];
        }
        $now = new DateTimeImmutable('@' . (time() + (int) $this->settings['clock_offset']));
        $timestamp = $now->setTimezone(new DateTimeZone('Asia/Shanghai'))->format('YmdHis');
        return ['userid' => $userid, 'timestamp' => $timestamp, 'sign' => md5($account . $password . $timestamp)];
    }
}

// ---- The driver: keep this part. An item is answered when it was processed.

function work(SmsClient $client, array $request, callable $answer): array
{
    switch ($request['operation']) {
        case 'send':
            return $client->send($request['mobiles'], $request['content'], $request['sendTime'], $request['extno']);
        case 'overage':
            return $client->overage();
        case 'checkkeyword':
            return $client->checkkeyword($request['content']);
    }
    foreach ($client->fetch($request['operation']) as $item) {
        if (isset($item['status'])) {
            $item['status'] = ['10' => 'delivered', '20' => 'failed'][$item['status']] ?? $item['status'];
        }
        $answer('item', $item);
    }
    return [];
}

while (($line = fgets(STDIN)) !== false) {
    $request = json_decode($line, true, 8, JSON_THROW_ON_ERROR);
    $answer = function (string $kind, array $fields) use ($request): void {
        echo json_encode(['id' => $request['id'], 'answer' => $kind] + $fields, JSON_THROW_ON_ERROR), "\n";
    };
    if ($request['operation'] === 'configure') {
        $client = new SmsClient($request);
        $operations = ['send', 'overage', 'checkkeyword', 'status', 'call'];
        $answer('configured', ['client' => 'PHP streams', 'operations' => $operations, 'claims' => ['clock']]);
        continue;
    }
    try {
        $answer('accepted', work($client, $request, $answer));
    } catch (SmsRefused $error) {
        $answer('refused', ['message' => $error->getMessage()]);
    } catch (SmsUnknown $error) {
        $answer('unknown', ['reason' => $error->getMessage()]);
    }
}
