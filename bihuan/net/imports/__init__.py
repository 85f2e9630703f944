"""Sheets that set up a net. Importing this package registers its kinds."""

from bihuan.net.imports import divisions

__all__ = ["divisions"]
