"""Publication figures: the same as `fvc figures`."""

import sys

from fvc.cli import main

if __name__ == "__main__":
    main(["figures", *sys.argv[1:]])
