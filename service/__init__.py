"""The zoo's record-keeping and its doors.

*Service* here is the half of the product that answers people; the other half is ``workers``.
Workers may import ``service.core``, ``service.settings``, ``service.adapters`` and
``service.container``; nothing in ``service`` imports ``workers`` or torch.
"""
