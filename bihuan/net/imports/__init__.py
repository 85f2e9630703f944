"""Sheets that set up a net. Importing this package registers its kinds."""

from bihuan.net.imports import boundaries, divisions, notice, organisation, places, staff

__all__ = ["boundaries", "divisions", "notice", "organisation", "places", "staff"]
