"""The program a standing is under: a published version never changes."""

from bihuan.ladder.models import Standing
from bihuan.programs import versions
from bihuan.programs.ladder import LadderProgram


class NotNow(Exception):
    """The standing is not where this can be done. The message is fit for the user."""


def rules_of(standing: Standing) -> LadderProgram:
    return versions.rules(standing.version)


def stage_of(standing: Standing) -> str | None:
    """Its stage as programs name it: None while it is at an entering gate."""
    return standing.stage or None
