"""An emulator of the sms10692.com SMS API.

Here belongs only what a user may import by this name. Importing it loads no other module: pytest does so in every
run of everybody who has the package, with or without the extra `[mock]`.
"""
