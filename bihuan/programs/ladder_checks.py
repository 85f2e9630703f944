"""Static checks of ladders: whether a document makes sense, and whether nobody on it can ever get stuck."""

from bihuan.programs.findings import Finding, english
from bihuan.programs.ladder import LadderProgram


def check_ladder(program: LadderProgram) -> list[Finding]:
    """Everything wrong with a document of kind "ladder". Raises UnknownKind."""
    return [*english(program)]
