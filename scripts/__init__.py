"""Builders of the seeds, the map and the drawing of the architecture: run by hand, never by the pipeline."""
