"""Writes the synthetic country as landing files in the formats that yearbooks and registers really use.

All values are drawn from a seed; only the roster, the map and the wording of headers are facts. Every planted
fault stands in one list (`damage.FAULTS`, and the gaps drawn beside it). Nothing here reads a database or
a real figure.
"""

from dagster_project.demo.country import DemoTruth
from dagster_project.demo.generate import generate_demo

__all__ = ["DemoTruth", "generate_demo"]
