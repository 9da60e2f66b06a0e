"""Mutations of honest csv, xls and dta files.

None of these kinds has a checksum over its values: a changed digit is another honest file, and only the sha256 of the
sidecar tells. So the truth for a csv is: rows without a changed byte are as they were, or the file is refused; for the
others: a file cut short is refused or whole, and whatever else happens is said in words within the limits.
"""

from hostile_workbooks import HOSTILE_TEXTS, LONG, Mutant, cells_of

MARKS = b'"\r\n,;\t\x00'


def mutant_csv(rng):
    return rng.choice([flip_csv, flip_csv, cut_csv, wrong_csv, odd_csv, mixed_csv])(rng)


def _rows():
    return [[str(value) for value in row] for row in LONG]


def _csv(rows, encoding="utf-8"):
    return "".join(",".join(row) + "\r\n" for row in rows).encode(encoding)


def flip_csv(rng):
    """One byte changed: the other rows are as they were, whatever the encoding is taken for now."""
    encoding = rng.choice(["utf-8", "utf-8-sig", "gb18030", "utf-16"])
    data = bytearray(_csv(_rows(), encoding))
    at = rng.randrange(2 if encoding == "utf-16" else 0, len(data))
    new = rng.randrange(256)
    if data[at] in MARKS or new in MARKS:
        new = 0x41 if data[at] not in MARKS else data[at]
    data[at] = new
    touched = bytes(data[: at + 1]).decode(encoding, "replace").count("\n") + 1
    known = {place: text for place, text in cells_of(LONG).items() if place[1] != touched}
    return Mutant(f"csv {encoding}: byte changed in row {touched}", bytes(data), [known])


def cut_csv(rng):
    """A csv has no end mark: the rows before the cut are as they were."""
    data = _csv(_rows())
    at = rng.randrange(1, len(data))
    row = data[:at].count(b"\n") + 1
    known = {place: text for place, text in cells_of(LONG).items() if place[1] < row}
    return Mutant(f"csv: cut in row {row}", data[:at], [known])


def wrong_csv(rng):
    rows = _rows()
    row = rows[rng.randrange(1, len(rows))]
    kind = rng.choice(["field lost", "field more", "open quote", "huge field", "zero byte", "no mark", "surrogate"])
    if kind == "field lost":
        row.pop()
    elif kind == "field more":
        row.insert(2, "1")
    elif kind == "zero byte":
        row[2] = "13\x0097"
    else:
        row[0] = {"open quote": '"' + row[0], "huge field": "市" * 200_000}.get(kind, row[0])
    data = _csv(rows, "utf-16-le" if kind == "no mark" else "utf-8")
    if kind == "surrogate":
        data = data.replace("唐山市".encode(), b"\xed\xa0\x80", 1)
    return Mutant(f"csv: {kind}", data, [])


def odd_csv(rng):
    """Odd but sound: the texts come out as they stand."""
    rows = _rows()
    kind = rng.choice(["hostile text", "empty rows", "line ends", "delimiter", "quotes"])
    text = rng.choice(HOSTILE_TEXTS)
    if kind == "hostile text":
        old = rows[rng.randrange(1, len(rows))]
        old[0] = text
        expected = cells_of([list(row) for row in rows])
        old[0] = '"' + text.replace('"', '""') + '"'
        return Mutant(f"csv: {kind}", _csv(rows), [expected], may_refuse=False)
    if kind == "quotes":
        data = "".join(",".join(f'"{value}"' for value in row) + "\n" for row in rows).encode()
    elif kind == "delimiter":
        data = _csv(rows).replace(b",", rng.choice([b";", b"\t"]))
    elif kind == "line ends":
        data = _csv(rows).replace(b"\r\n", rng.choice([b"\n", b"\r"]))
    else:
        data = _csv(rows) + b"\r\n" * rng.choice([5, 500, 1_000_000 if rng.random() < 0.02 else 9_000])
    return Mutant(f"csv: {kind}", data, [cells_of(LONG)], may_refuse=kind == "empty rows")


def mixed_csv(rng):
    """Some rows in another encoding than the rest: refused, or no row is other than it was."""
    rows = _rows()
    others = rng.sample(range(len(rows)), rng.randrange(1, len(rows)))
    data = b"".join(_csv([row], "gb18030" if at in others else "utf-8") for at, row in enumerate(rows))
    return Mutant("csv: mixed encodings", data, [])


def mutant_binary(original, truth, rng):
    """xls, dta: cut (whole or refused), or bytes changed (said in words, within the limits)."""
    if rng.random() < 0.4:
        return Mutant("cut short", original[: rng.randrange(8, len(original))], [truth])
    data = bytearray(original)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        how, at = rng.choice(["flip", "flip", "word", "lose", "twice"]), rng.randrange(8, len(data) - 16)
        if how == "flip":
            data[at] ^= rng.randrange(1, 256)
        elif how == "word":  # lengths and counts
            data[at : at + 4] = rng.choice([b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0" * 4, rng.randbytes(4)])
        elif how == "lose":
            del data[at : at + rng.choice([1, 4, 64])]
        else:
            data[at:at] = data[at : at + rng.choice([1, 4, 64])]
    return Mutant("bytes changed", bytes(data), [ANYTHING])


ANYTHING = {}
