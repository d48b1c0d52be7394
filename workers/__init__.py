"""The workers: they claim jobs, run them in sandboxed children and record the results.

Only this package imports torch. Of ``service`` it uses ``core``, the settings, the adapters and
the container.
"""

from workers import torchvision_operators

torchvision_operators.install()
