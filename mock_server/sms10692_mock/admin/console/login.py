"""Login page: exchanges a token for a session cookie. Logout deletes the cookie.

`AccessPolicy` decides which requests need the token.
"""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.console.layout import session_cookie_name, set_cookie, translate


def add_login(pages: Blueprint, policy: AccessPolicy) -> None:
    """Add the page and its form."""

    @pages.get("/login")
    def login() -> ResponseReturnValue:
        return render_template(
            "login.html", next=_local_path(request.args.get("next", f"{request.script_root}/")), message=""
        )

    @pages.post("/login", endpoint="log_in")
    def log_in() -> ResponseReturnValue:
        target = _local_path(request.form.get("next", f"{request.script_root}/"))
        key = policy.session_key(request.form.get("token", "").strip())
        if key is None:
            return render_template("login.html", next=target, message=translate("login.wrong")), 401
        response = redirect(target, 303)
        set_cookie(response, policy, session_cookie_name(), key, samesite="Strict")
        return response

    @pages.post("/logout")
    def log_out() -> ResponseReturnValue:
        response = redirect(url_for("console.login"), 303)
        set_cookie(response, policy, session_cookie_name(), "", max_age=0, samesite="Strict")
        return response


def _local_path(path: str) -> str:
    r"""Return the path if it is a path of this server, otherwise "/". Prevents redirects to other sites.

    >>> _local_path("/requests?text=a"), _local_path("//foreign.example"), _local_path("/\\foreign.example")
    ('/requests?text=a', '/', '/')
    """
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
