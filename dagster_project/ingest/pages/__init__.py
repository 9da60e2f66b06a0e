"""Printed tables: PDF and pictures of pages in, sheets out, each cell with its box on the page."""
