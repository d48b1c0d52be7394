"""The machine hall: claims jobs, runs them in sandboxed children, records what comes out.

Only this half knows torch. It shares the floor ``service.core`` with the doors and nothing else
of ``service`` but settings, adapters and wiring.
"""

from workers import torchvision_operators

torchvision_operators.install()
