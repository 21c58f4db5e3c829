"""Handles for tests: one account (`SmsVendor`) and the whole emulator (`EmulatorControl`), over the control API.

These modules speak JSON to `/_mock` and import nothing of the emulator, which may run in another process. `Emulator`
runs one in this process; the pytest fixtures are in `sms10692_mock.pytest_plugin`.
"""
