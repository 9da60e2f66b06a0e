"""How far an index can be trusted: other weight schemes, agreement of ranks, uncertainty, stability, validity.

One module a question. Nothing here knows a database; every random function takes a seed.
"""
