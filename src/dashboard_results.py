"""Dashboard: the same as `fvc dashboard`."""

import sys

from fvc.cli import main

if __name__ == "__main__":
    main(["dashboard", *sys.argv[1:]])
