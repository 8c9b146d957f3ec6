"""``python -m fastcore``: the same as the command ``fastcore``."""

import sys

from fastcore.cli import main

if __name__ == "__main__":
    sys.exit(main())
