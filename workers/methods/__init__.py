"""The methods: one package each, with ``run(inputs, params, report)``."""

from importlib import import_module

from workers.torchkit.protocols import MethodPackage


def method_package(name: str) -> MethodPackage:
    """The package of a method, imported on first use."""
    package: MethodPackage = import_module(f"workers.methods.{name}")
    return package
