"""python -m forensics.cli"""

from __future__ import annotations

import sys

from forensics.cli import main

# Worker processes import the main module again.
if __name__ == "__main__":
    sys.exit(main())
