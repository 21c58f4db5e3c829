"""What a test holds of an emulator: an account of its own, and the emulator as a whole, over the control address.

Here belongs what speaks JSON to `/_mock` and needs nothing of the emulator, which may run elsewhere. The one that runs
in this process is in `sms10692_mock.emulator`, the fixtures are in `sms10692_mock.pytest_plugin`.
"""
