"""Stage 3: the same as `fvc scale`."""

import sys

from fvc.cli import main

if __name__ == "__main__":
    main(["scale", *sys.argv[1:]])
