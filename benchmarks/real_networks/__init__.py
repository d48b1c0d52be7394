"""Published networks, rebuilt from their descriptions: what a user with a private architecture does.

Each module holds one family; ``listing`` says where the weights are and what the network is for,
``checks`` measures whether the rebuilt network does what was published.
"""

from benchmarks.real_networks.listing import NETWORKS
from benchmarks.real_networks.network import Check, RealNetwork

__all__ = ["NETWORKS", "Check", "RealNetwork"]
