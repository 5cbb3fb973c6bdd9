"""`python -m fusionkeras`."""

import sys

from fusionkeras.cli import main

if __name__ == "__main__":
    sys.exit(main())
