"""Black-box contract suite: checks whether a server behaves like the vendor described in the manual.

The suite is a command (`sms10692-contract`) and a pytest plugin; it has no Python API. It builds its HTTP requests byte
by byte and spells out every expected document, independently of the client and the emulator.
"""
