"""Measurements of the product, reproducible: `make bench` prints its tables as Markdown. Nothing here is a test."""
