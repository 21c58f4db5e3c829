<?php

use PHPUnit\Framework\TestCase;

require_once __DIR__ . '/../src/Registration.php';
require_once __DIR__ . '/SmsVendor.php';

final class RegistrationTest extends TestCase
{
    use UsesSmsVendor;

    private function register(): void
    {
        $registration = new Registration($this->sms->url, $this->sms->userid, $this->sms->account, $this->sms->password);
        $registration->register('15023239810');
    }

    public function testANewCustomerGetsACode(): void
    {
        $this->register();
        self::assertStringContainsString('1234', $this->sms->waitMessage('15023239810')['content']);
        $this->sms->assertNoFindings();
    }

    public function testAnOutageOfTheVendorIsAnError(): void
    {
        $this->sms->fault('disconnect');
        $this->expectExceptionMessage('the vendor did not answer');
        $this->register();
    }
}
