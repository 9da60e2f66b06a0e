"""Every example of the library's public functions. As a program it runs them with nothing but the library."""

import doctest
import importlib
import inspect
import math
import pkgutil
import re
import sys

import numpy as np
import pandas as pd

import python_models

NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:e[-+]?\d+)?")
ROOMS = ["", *(f".{m.name}" for m in pkgutil.iter_modules(python_models.__path__) if m.ispkg)]
MODULES = [importlib.import_module(f"python_models{room}") for room in ROOMS]
FUNCTIONS = {
    f"{inspect.unwrap(function).__module__}.{name}": function
    for module in MODULES
    for name in module.__all__
    if inspect.isfunction(function := getattr(module, name))
}


class CloseOutput(doctest.OutputChecker):
    """Text must be equal; the last digits of a number and the sign of a zero may depend on the processor."""

    def check_output(self, want, got, optionflags):
        texts = ["".join(NUMBER.sub("#", text).split()).replace("<BLANKLINE>", "") for text in (want, got)]
        pairs = zip(*(map(float, NUMBER.findall(text)) for text in (want, got)), strict=texts[0] == texts[1])
        return texts[0] == texts[1] and all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) for a, b in pairs)


def examples_of(name):
    finder = doctest.DocTestFinder(recurse=False)
    found = finder.find(inspect.unwrap(FUNCTIONS[name]), name, globs={"np": np, "pd": pd})
    return [example for example in found if example.examples]


def failures(name):
    """How many lines of the examples of a function give something else than they say."""
    runner = doctest.DocTestRunner(CloseOutput())
    return sum(runner.run(example).failed for example in examples_of(name))


if __name__ == "__main__":
    print(python_models.__file__, len(FUNCTIONS))
    sys.exit(sum(map(failures, FUNCTIONS)))
