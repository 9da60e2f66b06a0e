"""The report: reads the published file only, writes static pages that need no network."""
