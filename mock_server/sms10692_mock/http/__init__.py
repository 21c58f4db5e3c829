"""The rim of the emulator: the only place that knows HTTP."""
