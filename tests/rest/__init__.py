"""Tests of the REST door over real sockets."""
