<?php

/** The code under test: it sends a verification code to a new customer. */
final class Registration
{
    public function __construct(
        private string $url,
        private string $userid,
        private string $account,
        private string $password,
    ) {
    }

    public function register(string $mobile): void
    {
        $timestamp = (new DateTime('now', new DateTimeZone('Asia/Shanghai')))->format('YmdHis');
        $form = [
            'action' => 'send',
            'userid' => $this->userid,
            'timestamp' => $timestamp,
            'sign' => md5($this->account . $this->password . $timestamp),
            'mobile' => $mobile,
            'content' => '【示例】您的验证码是 1234',
        ];
        $response = @file_get_contents("$this->url/v2sms.aspx", false, stream_context_create(['http' => [
            'method' => 'POST',
            'header' => 'Content-Type: application/x-www-form-urlencoded',
            'content' => http_build_query($form),
            'timeout' => 10,
        ]]));
        if ($response === false) {
            throw new RuntimeException('the vendor did not answer');
        }
        if (!str_contains($response, '<returnstatus>Success</returnstatus>')) {
            throw new RuntimeException("the vendor refused to send the code: $response");
        }
    }
}
