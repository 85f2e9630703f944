"""One person on a ladder, on one page: where he stands, what waits for whom, why (not), what is known, owed and given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from bihuan.book import ledger
from bihuan.book.models import Owner, Txn
from bihuan.dossier import facts, papers
from bihuan.dossier.facts import Answer
from bihuan.dossier.models import Question, Source, Text
from bihuan.ladder import posts, reading
from bihuan.ladder.actions import duties as owing
from bihuan.ladder.actions import gates as going
from bihuan.ladder.actions.noticing import open_objections
from bihuan.ladder.answers import source_of
from bihuan.ladder.models import Appeal, Duty, Notice, Pass, Standing, Timer
from bihuan.ladder.record import open_pass
from bihuan.ladder.rules import rules_of, stage_of
from bihuan.ladder.steps import gate_of, is_home, step_of
from bihuan.lib.ids import new_id
from bihuan.loop.wording import language
from bihuan.net.models import Posting
from bihuan.net.postings import names_of
from bihuan.net.scope import covers
from bihuan.net.tree import snapshot
from bihuan.programs.ladder import Gate, LadderProgram, Step
from bihuan.web import pictures
from bihuan.web.people import story
from bihuan.web.people.asking import AskForm, counts, shown, sources
from bihuan.web.people.board import ending
from bihuan.web.people.frame import page
from bihuan.web.people.todo import due_words, moment, own_post

SHOWN = 20  # rows of a list on this page


@dataclass
class Refused:
    """A deed that was not done: which form it came from, why, and what was typed into it."""

    form: str = ""
    sentence: str = ""
    status: int = 200
    typed: Mapping[str, Any] = field(default_factory=dict)
    bound: AskForm | None = None
    photos: list[dict[str, str]] = field(default_factory=list)


def standing_here(request: HttpRequest, no: str) -> Standing:
    """The standing with this number, in the area of the acting posting; anybody else's is not found."""
    rows = Standing.objects.select_related("subject__unit", "subject__person", "unit")
    standing = rows.filter(no=no).first() or rows.filter(subject__no=no).order_by("-pk").first()
    if standing is None or not covers(request.posting, standing.unit):  # type: ignore[attr-defined]
        raise Http404
    return standing


def show(
    request: HttpRequest, standing: Standing, at: datetime, refused: Refused | None = None, **more: Any
) -> HttpResponse:
    """The whole page; with a refusal its sentence stands at the form it belongs to."""
    if refused is None and request.resolver_match and request.resolver_match.kwargs.get("no") != standing.no:
        return redirect(f"/people/s/{standing.no}/")
    context = Page(request, standing, at, refused or Refused()).context() | more
    return page(request, standing.program, "people/person.html", context, status=(refused or Refused()).status)


class Page:
    """Gathers what the page shows. One object a request."""

    def __init__(self, request: HttpRequest, standing: Standing, at: datetime, refused: Refused) -> None:
        self.request, self.standing, self.at, self.refused = request, standing, at, refused
        self.posting: Posting = request.posting  # type: ignore[attr-defined]
        self.rules: LadderProgram = rules_of(standing)
        self.passing = open_pass(standing)
        self.possible = reading.possible(standing, self.posting, at)
        self.known: dict[str, Answer] = facts.answers(standing.subject, self.rules, localdate(at))
        self.source = source_of(self.posting)

    def label(self, part: str, key: str) -> str:
        return story.title_of(self.rules, part, key)

    def context(self) -> dict[str, Any]:
        """Everything of the page; a refusal whose form is gone from it (somebody was faster) stands at its head."""
        shown = self._sections()
        return shown | {"stray": self.refused.sentence if self.refused.form not in _forms(shown) else ""}

    def _sections(self) -> dict[str, Any]:
        standing = self.standing
        return {
            "base": f"/people/s/{standing.no}/",
            "n": standing.n,
            "head": self.head(),
            "now": self.now(),
            "clocks": self.clocks(),
            "gates": self.gates(),
            "moves": self.moves(),
            "facts": self.facts(),
            "papers": self.papers(),
            "leader": self.leader(),
            "duties": self.duties(),
            "ledger": self.ledger(),
            "history": story.entries(standing),
            "others": self.others(),
            "refused": self.refused,
            "typed": self.refused.typed,
        }

    def head(self) -> dict[str, Any]:
        standing, subject = self.standing, self.standing.subject
        stage = self.label("stage", standing.stage) or _("申请推荐中")
        if standing.ended_at is not None:
            stage = ending(self.rules, standing.result)
        return {
            "name": subject.name,
            "where": snapshot().full_name(standing.unit_id),
            "program": self.label("program", "title"),
            "program_url": f"/people/{standing.program}/",
            "stage": stage,
            "since": story.day(standing.ended_at or standing.since),
            "ended": standing.ended_at is not None,
            "reached": story.day(standing.reached_at) if standing.reached_at else "",
            "phone": subject.phone_mask,
            "identity": subject.identity_mask,
            "sealed": bool(subject.phone_mask or subject.identity_mask),
            "gender": subject.get_gender_display() if subject.gender else "",
            "no": subject.no,
            "erased": subject.erased_at is not None,
        }

    # Where it is now

    def now(self) -> dict[str, Any] | None:
        """The open gate with its steps, who has it and till when; without one the clocks of the stage."""
        if self.passing is None:
            return None
        gate, step = gate_of(self.passing), step_of(self.passing)
        return {
            "title": self.label("gate", gate.key),
            "opened": story.day(self.passing.opened_at),
            "steps": self._stepper(gate, self.passing),
            "step": self.label("step", step.node) if step else _("等待名额"),
            "holder": self._holder(step),
            "unit": snapshot().full_name(self.passing.step_unit) if self.passing.step_unit else "",
            **due_words(self.passing.step_due, self.at),
            "lines": self._lines(gate),
            "vote": self.possible.vote,
            "withdraw": self.possible.withdraw,
            "objections": self._objections(),
            "ruling": self._appeal() if step is not None and step.kind == "ruling" else None,
            "notice": self._notice() if step is not None and step.kind == "notice" else "",
            "ranking": f"/people/{self.standing.program}/ranking/" if step is not None and step.kind == "rank" else "",
        }

    def _stepper(self, gate: Gate, passing: Pass) -> list[dict[str, str]]:
        return stepper(self.rules, gate, passing)

    def _holder(self, step: Step | None) -> str:
        """Whoever may act in the step now, by name."""
        passing = self.passing
        if passing is None or step is None or step.kind in ("notice", "appeal") or passing.step_unit is None:
            return ""
        there = posts.able(
            self.standing, step.by, passing.step_unit, localdate(self.at), passing=passing, home=is_home(passing, step)
        )
        return "、".join(f"{one.unit.short or one.unit.name} {one.person.name}" for one in there[:4])

    def _lines(self, gate: Gate) -> dict[str, Any]:
        return why(self.standing, gate, self.at)

    def _objections(self) -> list[dict[str, Any]]:
        if self.passing is None or self.passing.step != Pass.Step.OBJECTION:
            return []
        return [
            {
                "no": one.case_no,
                "at": story.day(one.opened_at),
                "mine": self.possible.settle,
                "refused": self.refused.form == f"settle-{one.case_no}",
            }
            for one in open_objections(self.passing).order_by("pk")
        ]

    def _appeal(self) -> dict[str, Any] | None:
        made = Appeal.objects.filter(passing=self.passing, decided_at=None).first()
        if made is None:
            return None
        text = Text.objects.filter(region_id=self.standing.region_id, pk=made.text_id).values_list("body", flat=True)
        return {"text": text.first() or "", "at": story.day(made.at), "mine": self.possible.rule}

    def _notice(self) -> str:
        running = Notice.objects.filter(passing=self.passing, withdrawn_at=None, until__gt=self.at).first()
        return running.text if running else ""

    def clocks(self) -> list[dict[str, Any]]:
        """What runs on this stage, and until when."""
        running = Timer.objects.filter(standing=self.standing, passing=None, objection=None, stage=Timer.Stage.RUNNING)
        return [
            {"title": self.label("clock", one.key), **due_words(one.due_at, self.at)}
            for one in running.order_by("due_at")
            if one.key in self.rules.clocks
        ]

    # What may be done

    def gates(self) -> list[dict[str, Any]]:
        """Every gate that leads on from here, with why (not); its form for whoever may open it."""
        if self.passing is not None or self.standing.ended_at is not None:
            return []
        mine = {gate.key for gate in self.possible.gates}
        onward = (gate for gate in self.rules.gates_from(stage_of(self.standing)) if {*gate.opens} - {"clock"})
        return [self._gate(gate, gate.key in mine) for gate in onward]

    def _gate(self, gate: Gate, mine: bool) -> dict[str, Any]:
        until = going.cooled(self.standing, gate, self.at)
        return {
            "key": gate.key,
            "title": self.label("gate", gate.key),
            "to": self.label("stage", gate.to),
            "steps": [self.label("step", step.node) for step in gate.steps],
            "lines": self._lines(gate),
            "form": self._form(f"gate-{gate.key}", gate.asks) if mine else None,
            "id": f"gate-{gate.key}",
            "cooling": moment(until) if until else "",
            "open": self.refused.form == f"gate-{gate.key}",
        }

    def moves(self) -> list[dict[str, Any]]:
        if self.passing is not None:
            return []
        return [
            {
                "key": move.key, "id": f"move-{move.key}", "title": self.label("move", move.key),
                "to": self.label("stage", move.to) if move.to else "",
                "final": bool(move.to and self.rules.stages[move.to].final),
                "form": self._form(f"move-{move.key}", move.asks), "open": self.refused.form == f"move-{move.key}",
            }
            for move in self.possible.moves
        ]  # fmt: skip

    def _form(self, id: str, asks: Iterable[str]) -> AskForm:
        if self.refused.form == id and self.refused.bound is not None:
            return self.refused.bound
        return ask_form(self.standing, asks, self.source, known=self.known, id=id)

    # What is known

    def facts(self) -> list[dict[str, Any]]:
        return [self._fact(key) for key, ask in self.rules.asks.items() if ask.type != "paper"]

    def _fact(self, key: str) -> dict[str, Any]:
        ask, answer = self.rules.asks[key], self.known.get(key)
        row = {"title": self.label("ask", key), "url": f"/people/s/{self.standing.no}/facts/{key}/"}
        row["mine"] = counts(ask, self.source)
        if answer is None:
            return row | {"value": "", "who": sources(ask)}
        return row | {
            "value": shown(self.rules, ask, answer.value),
            "source": str(Source(answer.source).label),
            "grade": answer.grade,
            "since": answer.since.isoformat(),
            "stale": not answer.fresh,
            "proof": answer.proof_id is not None,
        }

    def papers(self) -> dict[str, Any]:
        today = localdate(self.at)
        rows = [
            {
                "title": paper.title,
                "about": _("有效到 %(day)s") % {"day": paper.expires} if paper.expires else story.day(paper.made_at),
                "expired": paper.expires is not None and paper.expires < today,
                "photos": pictures.strip(paper.photos, paper.title),
            }
            for paper in papers.of_subject(self.standing.subject)
        ]
        kinds = Question.objects.filter(type=Question.Type.PAPER).order_by("key").values_list("key", "title")
        return {"rows": rows, "kinds": [{"key": key, "title": title} for key, title in kinds]}

    # Who answers, what is owed, what was given

    def leader(self) -> dict[str, Any]:
        held = names_of([self.standing.answerable]) if self.standing.answerable else []
        now = [f"{snapshot().full_name(unit)} {name}" for _posting, unit, name in held]
        may = self.posting.role in owing.ASSIGNERS and self.standing.ended_at is None
        return {"name": now[0] if now else "", "choices": self._leaders() if may else []}

    def _leaders(self) -> list[dict[str, Any]]:
        roles = tuple(f"{role}@{word}" for role in owing.LEADERS for word in ("town", "county"))
        on, net = localdate(self.at), snapshot()
        units = {posts.area(self.standing, "town"), posts.area(self.standing, "county")}
        there = [one for unit in sorted(units) for one in posts.holders(roles, unit, on)]
        return [
            {
                "id": one.pk, "label": f"{net.unit(one.unit_id).name} {one.person.name} {one.get_role_display()}",
                "chosen": one.pk == self.standing.answerable,
            }
            for one in there
        ]  # fmt: skip

    def duties(self) -> list[dict[str, Any]]:
        rows = Duty.objects.filter(standing=self.standing, dropped_at=None).order_by("-done_at", "-due_at")
        found = sorted(rows[:SHOWN], key=lambda one: one.done_at is not None)
        names = {id: name for id, _unit, name in names_of({one.posting for one in found if one.posting})}
        return [self._duty(one, names) for one in found if one.key in self.rules.duties]

    def _duty(self, duty: Duty, names: dict[int, str]) -> dict[str, Any]:
        rule = self.rules.duties[duty.key]
        vacant = rule.by == posts.ANSWERABLE and duty.posting is None and duty.unit_id == self.posting.unit_id
        mine = duty.posting == self.posting.pk or rule.by == own_post(self.posting) or vacant
        open_ = duty.done_at is None
        return {
            "title": self.label("duty", duty.key),
            "key": duty.key,
            "id": f"duty-{duty.key}",
            "who": names.get(duty.posting or 0) or snapshot().full_name(duty.unit_id),
            "done": story.day(duty.done_at) if duty.done_at else "",
            "late": duty.late,
            "mine": open_ and mine,
            "text": "text" in rule.asks,
            "photo": "photo" in rule.asks,
            "entry": self._measured(rule.entry) if rule.entry else "",
            **(due_words(duty.due_at, self.at) if open_ else {}),
        }

    def _measured(self, entry: str) -> str:
        """What is entered, with its unit: 协调贷款（元）."""
        return f"{self.label('entry', entry)}（{self.rules.entries[entry].unit}）"

    def ledger(self) -> dict[str, Any]:
        """What was given and given back, the latest first, and the form to enter more. Two queries."""
        own = ledger.subject(self.standing.subject_id)
        kinds = [
            {"key": kind.key, "title": self._measured(kind.key), "side": kind.side}
            for kind in self.rules.entries.values()
        ]
        if not kinds:
            return {}
        sides = [
            ("support", _("得到的帮扶"), self._entries(ledger.received(own), "giver")),
            ("contribution", _("反哺"), self._entries(ledger.given(own), "receiver")),
        ]
        return {
            "sides": [
                {
                    "key": key,
                    "title": title,
                    "rows": rows,
                    "form": f"entry-{key}",
                    "kinds": [one for one in kinds if one["side"] == key],
                    "typed": self.refused.typed if self.refused.form == f"entry-{key}" else {},
                }
                for key, title, rows in sides
                if rows or any(one["side"] == key for one in kinds)
            ],
            "once": new_id(),
            "today": localdate(self.at).isoformat(),
            "may": self.standing.ended_at is None,
        }

    def _entries(self, rows: Any, other: str) -> list[dict[str, Any]]:
        lines = ledger.page(rows.filter(program=self.standing.program), most=SHOWN)
        return [self._entry(one, other) for one in lines]

    def _entry(self, txn: Txn, other: str) -> dict[str, Any]:
        kind = self.rules.entries.get(txn.measure)
        amount = f"{txn.amount:f}".rstrip("0").rstrip(".") if txn.amount % 1 else f"{txn.amount:.0f}"
        return {
            "title": self.label("entry", txn.measure) or txn.measure,
            "amount": f"{amount} {kind.unit if kind else ''}".strip(),
            "on": txn.on.isoformat(),
            "who": _party(txn, other),
            "note": txn.note,
            "reversed": txn.reverses_id is not None,
            "photos": pictures.strip(txn.evidence, _("凭证")),
        }

    def others(self) -> list[dict[str, Any]]:
        """Where else the same person stands or stood. One query."""
        rows = Standing.objects.filter(subject=self.standing.subject_id).exclude(pk=self.standing.pk).order_by("-pk")
        return [_other(one) for one in rows[:SHOWN]]


def _forms(shown: dict[str, Any]) -> set[str]:
    """The forms that stand on the page."""
    now, ledger_, head = shown["now"] or {}, shown["ledger"], shown["head"]
    there = {name for name in ("vote", "withdraw") if now.get(name)} | {"paper"}
    there |= {f"settle-{one['no']}" for one in now.get("objections", ()) if one["mine"]}
    there |= {"rule"} if (now.get("ruling") or {}).get("mine") else set()
    there |= {one["id"] for one in (*shown["gates"], *shown["moves"]) if one["form"] and not one.get("cooling")}
    there |= {one["id"] for one in shown["duties"] if one["mine"]}
    there |= {side["form"] for side in ledger_.get("sides", ()) if ledger_["may"]}
    return there | ({"assign"} if shown["leader"]["choices"] else set()) | ({"reveal"} if head["sealed"] else set())


def _other(one: Standing) -> dict[str, Any]:
    rules = rules_of(one)
    stage = story.title_of(rules, "stage", one.stage) if one.ended_at is None else ending(rules, one.result)
    title = story.title_of(rules, "program", "title")
    meta = [stage or _("申请推荐中"), story.day(one.ended_at or one.since)]
    return {"title": title, "meta": meta, "url": f"/people/s/{one.no}/"}


def _party(txn: Txn, side: str) -> str:
    """Who gave or received: a unit of the net by its name, whoever is outside by the name that was written."""
    kind, id = getattr(txn, f"{side}_kind"), getattr(txn, f"{side}_id")
    if kind == Owner.UNIT:
        return snapshot().full_name(id)
    return txn.giver_name if side == "giver" else ""


def ask_form(
    standing: Standing,
    asks: Iterable[str],
    source: str,
    *,
    known: Mapping[str, Answer],
    id: str,
    data: Any = None,
    files: Any = None,
) -> AskForm:
    """The form of a gate or a move of this page."""
    rules = rules_of(standing)
    return AskForm(data, files, rules=rules, asks=asks, source=source, known=known, auto_id=f"{id}_%s")


def why(standing: Standing, gate: Gate, at: datetime) -> dict[str, Any]:
    """Every test of a gate as it stands now, and how many are met of those wanted. One query."""
    lines = reading.explain(standing, gate.key, at, lang=language())
    need = gate.need
    met = sum(line.ok for line in lines if need is not None and line.test in need.of)
    return {
        "rows": [{"title": line.title, "ok": line.ok, "why": line.sentence, "must": line.must} for line in lines],
        "met": met,
        "wanted": need.at_least if need else 0,
        "of": len(need.of) if need else 0,
        "ok": all(line.ok for line in lines if line.must) and (need is None or met >= need.at_least),
    }


def stepper(rules: LadderProgram, gate: Gate, passing: Pass) -> list[dict[str, str]]:
    """The steps of a gate, what is behind and where it is."""
    keys = [step.key for step in gate.steps]
    here = {"objection": "notice", "ruling": "appeal"}.get(passing.step, passing.step)
    at = keys.index(here) if here in keys else len(keys)
    rows = [
        {"label": story.title_of(rules, "step", step.node), "state": "done" if n < at else "now" if n == at else ""}
        for n, step in enumerate(gate.steps)
    ]
    if passing.step == Pass.Step.ROOM:
        rows.append({"label": _("等待名额"), "state": "now"})
    return [*rows, {"label": story.title_of(rules, "stage", gate.to), "state": ""}]
