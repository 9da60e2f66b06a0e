"""`nqpf check`: every number of a document against the published file."""
