"""``python -m workers``."""

from workers.worker.app import main

if __name__ == "__main__":
    main()
