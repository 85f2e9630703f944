"""Static checks: whether a document makes sense, and whether nobody under it can ever get stuck.

Each finding has a key, a severity, a reason and a remedy (RULES). A document with an error is never published.
"""

from bihuan.programs.case import CaseProgram
from bihuan.programs.case_checks import check_case
from bihuan.programs.document import Document
from bihuan.programs.findings import RULES, Finding, Rule
from bihuan.programs.ladder_checks import check_ladder

__all__ = ["RULES", "Finding", "Rule", "check", "errors"]


def check(program: Document) -> list[Finding]:
    """Everything wrong with a document, errors first. Raises UnknownKind."""
    found = check_case(program) if isinstance(program, CaseProgram) else check_ladder(program)
    return sorted(found, key=lambda finding: finding.severity)


def errors(program: Document) -> list[Finding]:
    return [finding for finding in check(program) if finding.severity == "error"]
