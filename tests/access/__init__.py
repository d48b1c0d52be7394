"""Tests of keys and limits, alike over REST and gRPC."""
