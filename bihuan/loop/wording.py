"""Words of the request program in the reader's language."""

from datetime import datetime

from django.utils.translation import get_language

from bihuan.programs import versions
from bihuan.programs.document import CaseProgram

PROGRAM = "request"


def language() -> str:
    """zh or en, as the reader chose."""
    return "en" if (get_language() or "").startswith("en") else "zh"


def in_force(at: datetime) -> CaseProgram:
    """The request program in force at `at`. No query once it is known."""
    return versions.rules(versions.in_force(PROGRAM, at).pk)


def titles(part: str, at: datetime) -> dict[str, str]:
    """Titles of a part (type, urgency, state, public, result ...) by key, in the program's order."""
    rules = in_force(at)
    keys = {"type": rules.types, "urgency": rules.urgencies, "result": rules.results, "ending": rules.endings}
    chosen = keys.get(part, rules.states)
    return {key: rules.label(part, key, language()) for key in chosen}
