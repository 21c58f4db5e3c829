"""The vendor's endpoints as an application of the HTTP server."""
