"""What LaTeX would stumble over in a printed table, found without LaTeX.

Checked: environments and braces close in order; every row of a tabular or longtable has as many cells as its column
specification; & stands only between cells, ^ and _ only in math, # nowhere; math closes; only commands of LaTeX and
its packages that the tables use; only characters that plain LaTeX has a glyph for (so no Chinese).
"""

import re

COMMANDS = {
    *("begin", "end", "caption", "label", "centering", "footnotesize", "scriptsize", "setlength", "tabcolsep"),
    *("toprule", "midrule", "bottomrule", "multicolumn", "textit", "noindent", "linewidth", "endfirsthead", "endhead"),
    *("endfoot", "textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "resizebox"),
    *("ifdim", "width", "else", "fi", "raggedright", "arraybackslash"),
}
IN_MATH = {"times", "cdot", "geq", "leq", "to", "mu", "beta", "theta", "circ"}
ENVIRONMENTS = {"table", "tabular", "longtable", "minipage", "landscape"}
TABLES = {"tabular", "longtable"}
ESCAPED = set("\\&%$#_{}")
GLYPHS = re.compile(r"[\t\n\x20-\x7e\u00a0-\u017f\u2013\u2014\u2018-\u201d\u2026]")
COLUMN = r"[lrc]|>\{\\raggedright\\arraybackslash\}p\{\d+pt\}"
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}$&^_#~]|[^\\{}$&^_#~]+", flags=re.DOTALL)


def problems(text):
    """One sentence each; empty if it would compile."""
    source = re.sub(r"(?<!\\)((?:\\\\)*)%.*", r"\1", text)
    found = [f"no glyph for {char!r}" for char in sorted(set(source)) if not GLYPHS.match(char)]
    return found + _structure(source) + [p for table in _tables(source) for p in _rows(*table)]


def _structure(source):
    found: list[str] = []
    stack: list[str] = []
    is_math = False
    tokens = TOKEN.findall(source)
    for at, token in enumerate(tokens):
        if token in ("\\begin", "\\end"):
            name = tokens[at + 2] if tokens[at + 1] == "{" else ""
            if name not in ENVIRONMENTS:
                found.append(f"unknown environment {name!r}")
            elif token == "\\begin":
                stack.append(name)
            elif not stack or stack.pop() != name:
                found.append(f"\\end{{{name}}} closes something else")
        elif token.startswith("\\"):
            word = token[1:]
            is_known = word in ESCAPED or word in COMMANDS or (is_math and word in IN_MATH)
            found += [] if is_known else [f"unknown command {token}"]
        elif token == "{":
            stack.append("{")
        elif token == "}":
            found += [] if stack and stack.pop() == "{" else ["} closes something else"]
        elif token == "$":
            is_math = not is_math
        elif token in "^_":
            found += [] if is_math else [f"{token} outside math"]
        elif token == "&":
            found += [] if not is_math and stack and stack[-1] in TABLES else ["& outside a row"]
        elif token in "#~":
            found.append(f"bare {token}")
    return found + [f"never closed: {name}" for name in stack] + (["math never closed"] if is_math else [])


def _tables(source):
    """Column specification and body of each table."""
    table = rf"\\begin\{{(tabular|longtable)\}}\{{((?:{COLUMN})+)\}}(.*?)\\end\{{\1\}}"
    found = re.findall(table, source, flags=re.DOTALL)
    return [(re.findall(COLUMN, spec), body) for _, spec, body in found]


def _rows(spec, body):
    found = []
    *rows, rest = re.split(r"(?<!\\)\\\\(?![A-Za-z])", body)
    for row in rows:
        if "\\caption" in row:
            continue
        spans = re.findall(r"\\multicolumn\{(\d+)\}", row)
        n = len(re.findall(r"(?<!\\)&", row)) + 1 + sum(int(span) - 1 for span in spans)
        if n != len(spec):
            found.append(f"{n} cells for {len(spec)} columns: {row.strip()[:60]}")
        if re.match(r"\s*[\[*]", row):
            found.append(f"the row before takes this for its option: {row.strip()[:60]}")
    left = re.sub(r"\\(bottomrule|endfoot|endhead|endfirsthead|midrule|toprule)", "", rest).strip()
    return found + ([f"text after the last row: {left[:60]}"] if left else [])
