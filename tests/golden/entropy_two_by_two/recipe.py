"""Recompute expected.csv with 50 decimal digits and the standard library only.

Run: python recipe.py > expected.csv   (Python 3.12 or later; only `decimal` and `csv` are used)

Independent of python_models on purpose: own reading of the formula, no floating point, no NumPy.
Indicator k1 is positive, k2 is negative. p = z / sum z, e = -sum p ln p / ln 4, w = (1 - e) / sum (1 - e).
"""

import csv
import pathlib
from decimal import Decimal, getcontext

getcontext().prec = 50
HERE = pathlib.Path(__file__).parent
DIRECTION = {"k1": 1, "k2": -1}


def main() -> None:
    with (HERE / "inputs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    cells = sorted({(r["city_id"], r["year"]) for r in rows})
    x = {(r["city_id"], r["year"], r["indicator_code"]): Decimal(r["value"]) for r in rows}
    z, entropy = {}, {}
    for k, sign in DIRECTION.items():
        column = [x[*cell, k] for cell in cells]
        low, high = min(column), max(column)
        for cell in cells:
            z[*cell, k] = (x[*cell, k] - low if sign > 0 else high - x[*cell, k]) / (high - low)
        total = sum(z[*cell, k] for cell in cells)
        p = [z[*cell, k] / total for cell in cells]
        entropy[k] = -sum(q * q.ln() for q in p if q > 0) / Decimal(len(cells)).ln()
    spread = sum(1 - e for e in entropy.values())
    weight = {k: (1 - e) / spread for k, e in entropy.items()}

    print("quantity,city_id,year,indicator_code,value")
    for k in DIRECTION:
        print(f"entropy,,,{k},{entropy[k]:.15f}")
        print(f"weight,,,{k},{weight[k]:.15f}")
        for city, year in cells:
            print(f"z,{city},{year},{k},{z[city, year, k]:.15f}")
    for city, year in cells:
        print(f"score,{city},{year},,{sum(weight[k] * z[city, year, k] for k in DIRECTION):.15f}")


if __name__ == "__main__":
    main()
