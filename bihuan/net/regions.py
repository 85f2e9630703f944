"""Region tables: rows that belong to the county-level unit where a matter was filed.

Every query on such a table names `region_id`, or says aloud that it does not: `with across_regions("why"):`.
The rule costs nothing on one server and lets the same schema be spread over many; a test holds it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import models

from bihuan.lib.ids import new_id

_crossing: ContextVar[str] = ContextVar("crossing_regions", default="")


@contextmanager
def across_regions(why: str) -> Iterator[None]:
    """Allow queries on region tables without a region for the length of the block; `why` is for the reader."""
    token = _crossing.set(why)
    try:
        yield
    finally:
        _crossing.reset(token)


def crossing() -> str:
    """The reason given by the innermost open `across_regions`, or an empty string."""
    return _crossing.get()


class RegionModel(models.Model):
    """A row of one region. `id` is made by the application and grows with time."""

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    region = models.ForeignKey("net.Unit", models.PROTECT, related_name="+", db_index=False, db_constraint=False)

    class Meta:
        abstract = True

    def _do_update(self, base_qs, using, pk_val, values, update_fields, forced_update, returning_fields=None):  # type: ignore[no-untyped-def]
        """Name the region in the UPDATE and never set it: a row does not change its region."""
        base_qs = base_qs.filter(region_id=self.region_id)
        values = [value for value in values if value[0].name != "region"]
        arguments = (base_qs, using, pk_val, values, update_fields, forced_update)
        return super()._do_update(*arguments, *([returning_fields] if returning_fields is not None else []))
