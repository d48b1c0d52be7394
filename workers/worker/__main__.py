"""``python -m workers.worker``."""

from workers.worker.app import main

if __name__ == "__main__":
    main()
