"""The REST API. A route parses the request, calls one operation and builds the response."""
