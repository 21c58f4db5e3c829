"""The sms10692.com SMS API for Python: the manual as data, and what a client needs of it.

Here belongs only what a user may import by this name. Importing it loads no other module.
"""

__version__ = "0.1.0"
