"""Stage 4: the same as `fvc scaled-features`."""

import sys

from fvc.cli import main

if __name__ == "__main__":
    main(["scaled-features", *sys.argv[1:]])
