"""Step 6: the same as `fvc notebooks`."""

import sys

from fvc.cli import main

if __name__ == "__main__":
    main(["notebooks", *sys.argv[1:]])
