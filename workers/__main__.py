"""``python -m workers``."""

from workers.app import main

if __name__ == "__main__":
    main()
