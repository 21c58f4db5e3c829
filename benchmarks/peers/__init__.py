"""Other mock servers that the benchmarks compare with the emulator."""
