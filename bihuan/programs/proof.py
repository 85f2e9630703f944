"""Whether a document may be trusted: its checks and its scenarios, together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bihuan.programs import document, ladder_paper, ladder_scenarios, paper, scenarios
from bihuan.programs.checks import Finding, check
from bihuan.programs.document import Document, LadderProgram
from bihuan.programs.ladder_scenarios import LadderScenario
from bihuan.programs.scenarios import Mismatch, Scenario

Stories = Sequence[Scenario] | Sequence[LadderScenario]


@dataclass(frozen=True)
class Proof:
    """What was found of one document. `gaps`: what its scenarios never showed. `told`: whether it has any."""

    program: Document
    findings: list[Finding]
    scenarios: Stories = ()
    mismatches: list[Mismatch] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    told: bool = True

    @property
    def errors(self) -> list[str]:
        """All that must be mended, a sentence each."""
        found = [str(finding) for finding in self.findings if finding.severity == "error"]
        untold = [] if self.told else ["没有场景文件（<名字>.scenarios.toml），没有任何动作和时限被试过"]
        return [*found, *map(str, self.mismatches), *self.gaps, *untold]

    @property
    def warnings(self) -> list[str]:
        return [str(finding) for finding in self.findings if finding.severity == "warning"]


def prove_file(path: Path) -> Proof:
    """Check a file and play the scenarios beside it. Raises BadDocument for either."""
    return prove(document.load_file(path), scenarios.beside(path))


def prove(program: Document, told_in: Path) -> Proof:
    """Check a program and play the scenarios of a file. A program with errors is not played."""
    return prove_by(program, lambda: document.read(told_in) if told_in.exists() else "", told_in.name)


def prove_by(program: Document, told: Callable[[], str], file: str = "") -> Proof:
    """The same with scenarios of any text; none is asked for when the program has errors. Raises BadDocument."""
    findings = check(program)
    if any(finding.severity == "error" for finding in findings):
        return Proof(program, findings)
    text = told()
    if not text.strip():
        return Proof(program, findings, told=False)
    return Proof(program, findings, *_played(program, text, file))


def _played(program: Document, told: str, file: str) -> tuple[Stories, list[Mismatch], list[str]]:
    """The scenarios of a text, what went otherwise in them, and what they never showed."""
    if isinstance(program, LadderProgram):
        climbed = ladder_scenarios.load(told, file)
        mismatches, shown = ladder_paper.play_all(program, climbed)
        return climbed, mismatches, shown.gaps(program)
    stories = scenarios.load(told, file)
    wrong, coverage = paper.play_all(program, stories)
    return stories, wrong, coverage.gaps(program)
