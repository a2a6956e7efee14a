"""Stages 1 to 5: the same as `fvc run`."""

import sys

from fvc.cli import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
