"""``python -m service.scheduler``."""

from service.scheduler.loop import main

main()
