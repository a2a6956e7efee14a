"""The stand-alone logistic regression (5alpha): `train_sklearn_logreg`, and a command for it."""

import sys

from fvc.training import train_sklearn_logreg

__all__ = ["train_sklearn_logreg"]

if __name__ == "__main__":
    from fvc.cli import main

    main(["train", "--model-types", "sklearn_logreg", *sys.argv[1:]])
