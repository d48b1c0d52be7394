"""The zoo's state and its APIs.

``service`` answers requests over REST and gRPC and keeps all state; ``workers`` runs the networks.
Workers may import ``service.core``, ``service.settings``, ``service.adapters`` and
``service.container``; nothing in ``service`` imports ``workers`` or torch.
"""
