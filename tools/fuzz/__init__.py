"""HTTP fuzzer: mutates real requests, sends them to an emulator, and checks every response.

- `corpus`: the valid requests that are changed
- `mutators`: builds malformed requests
- `http_errors`: adds errors at the HTTP level
- `targets`: sends requests, in process or over a socket
- `oracle`: checks one response
- `run`: counts, keeps requests that led to a new kind of response, and minimises failing requests

`python -m fuzz` (`make fuzz`) is the command.
"""
