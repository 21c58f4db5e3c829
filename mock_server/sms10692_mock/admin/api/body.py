"""JSON bodies of requests to the control API.

flask-openapi3 reads a body with `get_json(silent=True)` and validates the result. `JsonRequest` replaces Flask's
request class, to accept an absent body.
"""

from typing import Any

from flask import Request
from werkzeug.exceptions import UnprocessableEntity


class JsonRequest(Request):
    """A request whose absent body counts as an empty JSON object."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Parse the body; None if it is not JSON and `silent`. Raises UnprocessableEntity if it is too deep."""
        if not self.get_data():
            return {}
        try:
            return super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            raise UnprocessableEntity("the body: the JSON is nested too deeply") from None
