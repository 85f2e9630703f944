"""Units in their trees: reading them from memory (`snapshot`), and changing them with their history kept."""

from bihuan.net.revisions import forget, touch
from bihuan.net.tree.changes import (
    Fault,
    TreeFault,
    before_close,
    close_unit,
    faults,
    found_unit,
    history,
    keep_living,
    merge_units,
    move_unit,
    path_on,
    rebuild_paths,
    rename_unit,
)
from bihuan.net.tree.outlines import Hit
from bihuan.net.tree.snapshot import EmptyNet, Levels, Net, NoSuchUnit, UnitRow, snapshot

__all__ = [
    "EmptyNet",
    "Fault",
    "Hit",
    "Levels",
    "Net",
    "NoSuchUnit",
    "TreeFault",
    "UnitRow",
    "before_close",
    "close_unit",
    "faults",
    "forget",
    "found_unit",
    "history",
    "keep_living",
    "merge_units",
    "move_unit",
    "path_on",
    "rebuild_paths",
    "rename_unit",
    "snapshot",
    "touch",
]
