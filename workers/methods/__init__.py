"""The methods: one package each, with ``Inputs``, ``Result`` and ``run``."""

from importlib import import_module

from workers.contract import Room


def room_of(name: str) -> Room:
    """The package of a method, imported on first use."""
    room: Room = import_module(f"workers.methods.{name}")
    return room
