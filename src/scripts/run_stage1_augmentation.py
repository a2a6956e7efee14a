"""Stage 1: the same as `fvc augment`."""

import sys

from fvc.cli import main

if __name__ == "__main__":
    main(["augment", *sys.argv[1:]])
