"""A million malformed requests: real ones, changed, and what must be true of every answer.

`changes` changes requests, `judging` says what is wrong with an answer, `emulators_under` asks in process or over a
socket, `hunt` counts, keeps what brought something new, and shrinks what is wrong.
"""
