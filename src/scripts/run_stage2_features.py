"""Stage 2: the same as `fvc features`."""

import sys

from fvc.cli import main

if __name__ == "__main__":
    main(["features", *sys.argv[1:]])
