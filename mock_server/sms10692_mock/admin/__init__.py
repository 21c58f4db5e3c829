"""Control API below /_mock, console, and the Flask application that serves both."""
