"""The page that asks for the token, where others than this machine can reach the emulator.

Here belongs giving the token once and having a cookie for it. Who is let in is decided by `http.guard`.
"""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.console.layout import key_cookie, message_partial


def add_login(pages: Blueprint, guard: AccessPolicy) -> None:
    """Add the page."""

    @pages.get("/login")
    def login() -> ResponseReturnValue:
        return render_template("login.html", next=_local(request.args.get("next", "/")), words="")

    @pages.post("/login", endpoint="log_in")
    def log_in() -> ResponseReturnValue:
        target = _local(request.form.get("next", "/"))
        if not guard.is_token(request.form.get("token", "").strip()):
            return render_template("login.html", next=target, words=message_partial("login.wrong")), 401
        response = redirect(target, 303)
        secure = guard.is_secure(request.headers.get("Origin", ""), request.scheme)
        response.set_cookie(key_cookie(), guard.session_key(), secure=secure, httponly=True, samesite="Strict")
        return response


def _local(path: str) -> str:
    r"""A path of this very server, whatever was asked.

    >>> _local("/requests?text=a"), _local("//elsewhere.example"), _local("/\\elsewhere.example")
    ('/requests?text=a', '/', '/')
    """
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
