"""The report as static pages that work without a network, a server or scripts: a skin over the exhibits."""
