"""Calculations only: no database, no clock reading, no input or output. Could be published alone."""
