"""Step 0: the same as `fvc setup`."""

import sys

from fvc.cli import main

if __name__ == "__main__":
    main(["setup", *sys.argv[1:]])
