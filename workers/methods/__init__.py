"""The methods: one package each, with ``Inputs``, ``Result`` and ``run``."""

from importlib import import_module

from workers.torchkit.protocols import MethodPackage


def method_package(name: str) -> MethodPackage:
    """The package of a method, imported on first use."""
    room: MethodPackage = import_module(f"workers.methods.{name}")
    return room
