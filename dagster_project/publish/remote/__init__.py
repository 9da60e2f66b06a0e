"""A release on a web server or a file share: what `nqpf release export --web` writes and `nqpf open` reads."""
