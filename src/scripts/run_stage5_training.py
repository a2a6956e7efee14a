"""Stage 5: the same as `fvc train`."""

import sys

from fvc.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
