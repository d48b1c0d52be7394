"""``python -m workers.worker``."""

import sys

from service.core.errors import ZooError
from workers.worker.app import main

if __name__ == "__main__":
    try:
        main()
    except ZooError as error:
        sys.exit(f"{error.code}: {error.detail}; {error.remedy}")
