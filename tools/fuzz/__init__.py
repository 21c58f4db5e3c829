"""HTTP fuzzer: mutates real requests, sends them to an emulator, and checks every response.

- `corpus`: the valid requests that are changed
- `mutators`: strategies of malformed requests, which Hypothesis draws and shrinks
- `http_errors`: the same with errors at the HTTP level
- `targets`: sends requests, in process or over a socket
- `oracle`: checks one response
- `run`: runs Hypothesis, counts, and keeps requests that led to a new kind of response

`python -m fuzz` (`make fuzz`) is the command.
"""
