package shop;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class RegistrationTest {
    @RegisterExtension
    final SmsVendor sms = new SmsVendor();

    void register() throws Exception {
        new Registration(sms.url, sms.userid, sms.account, sms.password).register("15023239810");
    }

    @Test
    void aNewCustomerGetsACode() throws Exception {
        register();
        assertTrue(sms.waitMessage("15023239810").contains("1234"));
        sms.assertNoFindings();
    }

    @Test
    void anOutageOfTheVendorIsAnError() throws Exception {
        sms.fault("{\"kind\": \"disconnect\"}");
        assertThrows(IOException.class, this::register);
    }
}
