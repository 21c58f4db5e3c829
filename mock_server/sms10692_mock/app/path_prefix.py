"""The path prefix of the public URL, such as /sms of https://mock.example.com/sms."""


def cut_prefix(path: str, prefix: str) -> str:
    """Return a path without the prefix, which a proxy may have removed already.

    >>> cut_prefix("/sms/account", "/sms"), cut_prefix("/account", "/sms"), cut_prefix("/sms", "/sms")
    ('/account', '/account', '/')
    """
    if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/"):
        return path[len(prefix) :] or "/"
    return path
