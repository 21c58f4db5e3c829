<?php
use PHPUnit\Framework\{Assert, Attributes};
/** One account of a running emulator: $url, $userid, $account and $password are for the code under test. */
final class SmsVendor {
    public string $url, $account, $password, $userid = ''; private ?int $last = null;
    public function __construct(array $settings = []) {
        $port = (int) getenv('SMS10692_MOCK_PORT') ?: 10692;
        $this->url = rtrim(getenv('SMS10692_MOCK_URL') ?: "http://127.0.0.1:$port", '/');
        $created = $this->call('POST', '', $settings + ['private_clock' => true]);
        ['userid' => $this->userid, 'account' => $this->account, 'password' => $this->password] = $created;
    }
    /** Waits for the next message to this number, from the second call on for the one after it. */
    public function waitMessage(string $mobile, float $seconds = 5): array {
        $query = http_build_query(['mobile' => $mobile, 'after' => $this->last, 'limit' => 1, 'wait' => $seconds]);
        $message = $this->call('GET', "/messages?$query")['items'][0] ?? null;
        $this->last = $message['number'] ?? $this->last;
        return $message ?? Assert::fail("no message to $mobile within $seconds s\n{$this->explain()}");
    }
    /** Adds a fault: fault('disconnect'), fault('status', ['status' => 503, 'operations' => ['send']]). */
    public function fault(string $kind, array $parameters = []): void
    { $this->call('POST', '/faults', ['kind' => $kind] + $parameters); }
    /** Moves the account's clock to its next report or reply, so that the code under test can fetch a late one. */
    public function advanceToNext(): void { $this->call('POST', '/clock/advance', ['to' => 'next']); }
    /** Says what was wrong with the requests of this account, a line each. What the test demanded is not wrong. */
    public function explain(): string {
        $lines = $this->call('GET', '/requests?limit=1')['items'] ? [] : ["no request named the userid $this->userid"];
        foreach ($this->call('GET', '/requests?has_findings=true')['items'] as ['number' => $number]) {
            ['operation' => $operation, 'refusal' => $refusal] = $request = $this->call('GET', "/requests/$number");
            foreach ($request['diagnosis'] as ['code' => $code, 'sentence' => $why])
                if (!preg_match('/fault|reserved|delivery/', $code))
                    $lines[] = "$operation " . ($refusal ?: 'not refused') . ", $code: $why";
        }
        return implode("\n", $lines);
    }
    /** Fails if a request of this account had a mistake, also one that the vendor accepts, or if there was none. */
    public function assertNoFindings(): void { Assert::assertSame('', $this->explain()); }
    /** Calls the control API below the account: call('POST', '/clock/advance', ['seconds' => 60]). */
    public function call(string $method, string $path, array $document = []): array {
        $url = "$this->url/_mock/accounts" . ($this->userid === '' ? '' : "/$this->userid") . $path;
        $header = "Content-Type: application/json\r\nAuthorization: Bearer " . getenv('SMS10692_MOCK_TOKEN');
        $body = in_array($method, ['POST', 'PUT', 'PATCH']) ? json_encode((object) $document) : '';
        $http = ['method' => $method, 'header' => $header, 'content' => $body, 'ignore_errors' => true];
        $result = json_decode(file_get_contents($url, false, stream_context_create(['http' => $http])) ?: '', true);
        return is_array($result) && !isset($result['error']) ? $result
            : throw new RuntimeException("$method $url: " . ($result['error'] ?? 'no control API'));
    }
}
/** Gives each test of a class an account, $this->sms. After the test it prints explain() and deletes the account. */
trait UsesSmsVendor
{
    protected SmsVendor $sms;
    /** Settings of the accounts, for a class to override: ['profile' => 'observed', 'points' => 5]. */
    protected function smsSettings(): array { return []; }
    #[Attributes\Before] /** @before */ public function beginSms(): void
    { $this->sms = new SmsVendor($this->smsSettings()); }
    #[Attributes\After] /** @after */ public function endSms(): void {
        if ($text = ($this->sms ?? null)?->explain()) fwrite(STDERR, "\n{$this->toString()}: $text\n");
        ($this->sms ?? null)?->call('DELETE', '');
    }
}
