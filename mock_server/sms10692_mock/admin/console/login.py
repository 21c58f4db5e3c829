"""Login page: exchanges the token for a session cookie.

`AccessPolicy` decides which requests need the token.
"""

from flask import Blueprint, redirect, render_template, request
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
        if not policy.is_token(request.form.get("token", "").strip()):
            return render_template("login.html", next=target, message=translate("login.wrong")), 401
        response = redirect(target, 303)
        set_cookie(response, policy, session_cookie_name(), policy.session_key(), samesite="Strict")
        return response


def _local_path(path: str) -> str:
    r"""Return the path if it is a path of this server, otherwise "/". Prevents redirects to other sites.

    >>> _local_path("/requests?text=a"), _local_path("//foreign.example"), _local_path("/\\foreign.example")
    ('/requests?text=a', '/', '/')
    """
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
