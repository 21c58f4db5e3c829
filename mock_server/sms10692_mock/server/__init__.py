"""An HTTP/1 server for any application. It knows nothing of the vendor."""
