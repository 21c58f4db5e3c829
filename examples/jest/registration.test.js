const { register } = require("./registration");
const { useSmsVendor } = require("./sms-vendor");

const vendor = useSmsVendor();

test("a new customer gets a code", async () => {
  await register("15023239810", vendor.current);
  expect((await vendor.current.waitMessage("15023239810")).content).toContain("1234");
  await vendor.current.assertNoFindings();
});

test("an outage of the vendor is an error", async () => {
  await vendor.current.fault("disconnect");
  await expect(register("15023239810", vendor.current)).rejects.toThrow("fetch failed");
});
