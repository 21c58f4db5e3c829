<?php
/** One account of a running emulator: $url, $userid, $account and $password are for the code under test. */
final class SmsVendor
{
    private const NO_REQUEST = ['operation' => 'none', 'refusal' => '', 'diagnosis' => []];
    public string $url, $account, $password, $userid = '';
    private ?int $last = null;
    public function __construct(array $settings = [])
    {
        $this->url = rtrim(getenv('SMS10692_MOCK_URL') ?: 'http://127.0.0.1:10692', '/');
        $created = $this->call('POST', '', $settings + ['private_clock' => true]);
        ['userid' => $this->userid, 'account' => $this->account, 'password' => $this->password] = $created;
    }

    /** Waits for the next message to this number, from the second call on for the one after it. */
    public function waitMessage(string $mobile, float $seconds = 5): array
    {
        $query = http_build_query(['mobile' => $mobile, 'after' => $this->last, 'limit' => 1, 'wait' => $seconds]);
        $message = $this->call('GET', "/messages?$query")['items'][0] ?? null;
        $this->last = $message['number'] ?? $this->last;
        return $message ?? throw new RuntimeException("no message to $mobile within $seconds s; {$this->explain()}");
    }

    /** Adds a fault: fault('disconnect'), fault('status', ['status' => 503, 'operations' => ['send']]). */
    public function fault(string $kind, array $parameters = []): void
    {
        $this->call('POST', '/faults', ['kind' => $kind] + $parameters);
    }

    /** Describes the last request that named this account, and what was wrong with it. */
    public function explain(): string
    {
        $last = $this->call('GET', '/requests?order=desc&limit=1')['items'][0] ?? null;
        $last = $last ? $this->call('GET', "/requests/$last[number]") : self::NO_REQUEST;
        $findings = array_column($last['diagnosis'], 'sentence');
        return implode(' ', ["last request: $last[operation] $last[refusal]", ...$findings]);
    }

    /** Calls the control API below the account: call('POST', '/clock/advance', ['seconds' => 60]). */
    public function call(string $method, string $path, array $document = []): array
    {
        $url = "$this->url/_mock/accounts" . ($this->userid === '' ? '' : "/$this->userid") . $path;
        $header = "Content-Type: application/json\r\nAuthorization: Bearer " . getenv('SMS10692_MOCK_TOKEN');
        $body = in_array($method, ['POST', 'PUT', 'PATCH']) ? json_encode((object) $document) : '';
        $http = ['method' => $method, 'header' => $header, 'content' => $body, 'ignore_errors' => true];
        $result = json_decode(file_get_contents($url, false, stream_context_create(['http' => $http])) ?: '', true);
        return is_array($result) && !isset($result['error']) ? $result
            : throw new RuntimeException("$method $url: " . ($result['error'] ?? 'no control API'));
    }
}

/** Gives each test of a class an account of its own, $this->sms, and deletes it after the test. */
trait UsesSmsVendor
{
    protected SmsVendor $sms;
    /** @before */
    #[PHPUnit\Framework\Attributes\Before] public function beginSms(): void { $this->sms = new SmsVendor(); }
    /** @after */
    #[PHPUnit\Framework\Attributes\After] public function endSms(): void { ($this->sms ?? null)?->call('DELETE', ''); }
}
