"""Conformance test for clients of the sms10692.com SMS API, in any language.

The examiner starts the client through a driver, a small program that speaks `driver_protocol`, lets it work against an
emulator, and judges what it sent and what it understood.
"""
