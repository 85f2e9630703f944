"""What is said of a text while it is written: its shape, what the checks found, its scenarios, what it changes."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bihuan.programs import changes, document, drawing, proof, scenarios, versions
from bihuan.programs.changes import Change, Klass, klass_of
from bihuan.programs.document import Document
from bihuan.programs.findings import Finding
from bihuan.programs.models import Program, Version
from bihuan.programs.reading import BadDocument, Problem
from bihuan.web.programs.frame import TONES, pictures

LARGEST = 200_000  # bytes; the largest that comes with the product has 35 000


@dataclass(frozen=True)
class Judged:
    """A text judged. `same`: it is, byte for byte, what is in force. `told`: how many scenarios were played."""

    text: str
    problems: list[dict[str, str]] = field(default_factory=list)
    findings: list[dict[str, str]] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    told: int = 0
    changes: list[Change] = field(default_factory=list)
    same: bool = False
    is_sound: bool = False
    drawn: dict[str, SafeString] = field(default_factory=dict)

    @property
    def errors(self) -> list[dict[str, str]]:
        return [one for one in self.findings if one["tone"] == "bad"]

    @property
    def warnings(self) -> list[dict[str, str]]:
        return [one for one in self.findings if one["tone"] != "bad"]

    @property
    def groups(self) -> list[dict[str, Any]]:
        return grouped(self.changes)

    @property
    def effects(self) -> list[dict[str, str]]:
        return effects(klass_of(self.changes))

    @property
    def klass(self) -> dict[str, str]:
        return klass_words(klass_of(self.changes))


def judge(text: str, told: str, program: Program, before: Version | None) -> Judged:
    """Everything that can be said of a text without looking at who is under way; no query. told: its scenarios."""
    if max(len(text.encode()), len(told.encode())) > LARGEST:
        return Judged(text, problems=[_too_large()])
    try:
        rules = document.load(text)
        _require_key(rules, program)
    except BadDocument as error:
        return Judged(text, problems=[_problem(one) for one in error.problems])
    return _judge_loaded(text, told, rules, before.doc if before else None)


def _judge_loaded(text: str, told: str, rules: Document, before: str | None) -> Judged:
    otherwise: list[str] = []
    try:
        found = proof.prove_by(rules, lambda: told)
    except BadDocument as error:  # in the scenarios: the document itself is still judged
        otherwise, found = (
            [_("场景：%(problem)s") % {"problem": one} for one in map(_line, error.problems)],
            proof.prove_by(rules, str),
        )
    is_sound = not any(finding.severity == "error" for finding in found.findings)
    return Judged(
        text,
        findings=[_finding(one) for one in found.findings],
        otherwise=otherwise + [str(one) for one in found.mismatches],
        gaps=found.gaps,
        told=len(found.scenarios),
        changes=changes.diff(before, text) if before is not None else [],
        same=before == text,
        is_sound=is_sound,
        drawn=pictures(rules, desk=drawing.NARROW) if is_sound else {},
    )


def shipped_scenarios(key: str) -> str:
    """The scenarios that came with a program; empty when none did."""
    path = next((path for path in versions.shipped("*") if path.stem == key), None)
    beside = scenarios.beside(path) if path else None
    return document.read(beside) if beside and beside.exists() else ""


def _require_key(rules: Document, program: Program) -> None:
    """A draft changes its own program: another key would be another program."""
    for key, found, wanted in (("program", rules.key, program.key), ("kind", rules.kind, program.kind)):
        if found != wanted:
            raise BadDocument([Problem("", key, f"“{found}”", f"“{wanted}”：一个事项的键和种类不能改")])


def _too_large() -> dict[str, str]:
    return {"key": "", "text": _("内容太大：一个事项文件最多 %(most)d kB。") % {"most": LARGEST // 1000}}


def _problem(problem: Problem) -> dict[str, str]:
    return {
        "key": problem.key,
        "text": _("写的是%(found)s，应为%(allowed)s。") % {"found": problem.found, "allowed": problem.allowed},
    }


def _line(problem: Problem) -> str:
    return f"{problem.key} {_problem(problem)['text']}".strip()


def _finding(finding: Finding) -> dict[str, str]:
    is_error = finding.severity == "error"
    return {
        "tone": "bad" if is_error else "warn",
        "word": _("错误") if is_error else _("提醒"),
        "where": finding.where,
        "reason": finding.reason,
        "remedy": finding.remedy,
    }


def grouped(found: list[Change]) -> list[dict[str, Any]]:
    """Changes by class, the worst first."""
    groups = ((klass, [one for one in found if one.klass == klass]) for klass in reversed(Klass))
    return [
        {
            **klass_words(klass),
            "lines": [{"sentence": one.sentence, "path": one.path} for one in ones],
        }
        for klass, ones in groups
        if ones
    ]


def klass_words(klass: Klass) -> dict[str, str]:
    return {"title": _(klass.title), "tone": TONES[klass]}


def effects(klass: Klass) -> list[dict[str, str]]:
    """What a change of this class means, and for whom."""
    running = {
        Klass.WORDING: _("改按新版本，办法不变，只是说法变了。"),
        Klass.WIDENING: _("自动改按新版本：对本人只会更好，答应过的时间不会变晚。"),
        Klass.TIGHTENING: _("留在原版本。可以写明理由，一件一件改按新版本。"),
        Klass.STRUCTURAL: _("全部移到新版本；所在位置没有了的，按 [migrate] 写的去处走。"),
    }
    return [
        {"label": _("新来的"), "value": _("从生效起按新版本办。")},
        {"label": _("正在填写、还没提交的"), "value": _("提交时按当时生效的版本。")},
        {"label": _("正在办的"), "value": running[klass]},
        {"label": _("已经办结的"), "value": _("不变，仍按当时的版本。")},
    ]
