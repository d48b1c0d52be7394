"""Zooscope for Python programs: ``from zooscope import ZooClient``."""

from zooscope.client import LOCAL_URL, ZooClient, ZooClientError

__all__ = ["LOCAL_URL", "ZooClient", "ZooClientError"]
