"""Assets: each reads a frame or a file, calls one function of another package, writes a table."""
