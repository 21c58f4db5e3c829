<?php
// A first draft as many are: it works in the afternoon, in China, for a short text. docs/examine-drivers.md shows what
// the examiner says about it. The driver below the client is that of `sms10692-examine driver php`.
error_reporting(0);

class Sms
{
    public function __construct(private array $c) {}

    private function post($page, $fields)
    {
        $time = date('Ymdhis');
        $sign = md5($this->c['account'] . $this->c['password'] . $time);
        $body = "userid={$this->c['userid']}&timestamp=$time&sign=$sign";
        foreach ($fields as $name => $value) {
            $body .= "&$name=$value";
        }
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => 'Content-Type: application/x-www-form-urlencoded',
            'content' => $body,
            'timeout' => $this->c['timeout'],
        ]]);
        for ($i = 0; $i < 3; $i++) {
            $xml = file_get_contents("{$this->c['url']}/v2$page", false, $context);
            if ($xml) {
                return simplexml_load_string($xml);
            }
        }
        return false;
    }

    public function send($mobiles, $content, $time, $extno)
    {
        $time = $time ? date('Y-m-d H:i:s', strtotime($time)) : '';
        return $this->post('sms.aspx', [
            'action' => 'send', 'mobile' => implode(',', $mobiles), 'content' => $content, 'sendTime' => $time, 'extno' => $extno,
        ]);
    }

    public function overage()
    {
        return $this->post('sms.aspx', ['action' => 'overage']);
    }

    public function checkkeyword($content)
    {
        return $this->post('sms.aspx', ['action' => 'checkkeyword', 'content' => $content]);
    }

    public function fetch($queue)
    {
        return $this->post("{$queue}Api.aspx", ['action' => 'query'])->{"{$queue}box"};
    }
}

while (($line = fgets(STDIN)) !== false) {
    $request = json_decode($line, true);
    $answer = function (string $kind, array $fields = []) use ($request): void {
        echo json_encode(['id' => $request['id'], 'answer' => $kind] + $fields), "\n";
    };
    switch ($request['operation']) {
        case 'configure':
            $client = new Sms($request);
            $operations = ['send', 'overage', 'checkkeyword', 'status', 'call'];
            $answer('configured', ['client' => 'a first draft in PHP', 'operations' => $operations]);
            break;
        case 'send':
            $sent = $client->send($request['mobiles'], $request['content'], $request['sendTime'], $request['extno']);
            if ($sent && $sent->message == 'ok') {
                $answer('accepted', ['taskID' => (string) $sent->taskID, 'successCounts' => (int) $sent->successCounts]);
            } else {
                $answer('refused', ['message' => (string) ($sent->message ?? 'error')]);
            }
            break;
        case 'overage':
            $answer('accepted', ['overage' => (int) $client->overage()->overage]);
            break;
        case 'checkkeyword':
            $answer('accepted', ['forbidden' => $client->checkkeyword($request['content'])->message != '没有包含屏蔽词']);
            break;
        default:
            foreach ($client->fetch($request['operation']) ?? [] as $item) {
                $item = array_map('strval', iterator_to_array($item));
                if (isset($item['errorcode'])) {
                    $item['status'] = $item['errorcode'] == 'DELIVRD' ? 'delivered' : 'failed';
                }
                $answer('item', $item);
            }
            $answer('accepted');
    }
}
