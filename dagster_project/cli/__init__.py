"""`nqpf`: thin commands over the jobs and the published file. No arithmetic, no SQL about meaning."""
