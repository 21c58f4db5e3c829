"""The black-box contract suite: is what answers at an address the vendor of the manual?

Here belongs only what a user may import by this name, and that is nothing: the suite is a command, and a plugin of
pytest. It speaks HTTP in bytes it makes itself and spells every word out as the manual does.
"""
