"""HTTP fuzzer: mutates real requests, sends them to an emulator, and checks every response.

- `mutators`: builds malformed requests
- `targets`: sends them, in process or over a socket
- `oracle`: checks one response
- `run`: counts, keeps requests that led to new behaviour, and minimises failing requests

`python -m fuzz` (`make fuzz`) is the command.
"""
