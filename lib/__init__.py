"""The module paths of the workflow document: nothing but re-exports of the package `fvc`."""
