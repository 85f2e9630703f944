"""The deeds of a person's page. Each goes through an action of the ladder, or shows the page with the refusal in its place."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bihuan.book import ledger
from bihuan.dossier import facts, papers, photos, subjects
from bihuan.dossier.models import Paper, Source
from bihuan.ladder import duties_due, giving, posts
from bihuan.ladder.actions import appealing, duties, gates, moving, noticing
from bihuan.ladder.answers import source_of
from bihuan.ladder.models import Appeal, Objection, Standing
from bihuan.ladder.rules import NotNow, rules_of
from bihuan.lib.ids import new_id
from bihuan.loop.wording import language
from bihuan.net.models import Posting
from bihuan.net.postings import AboutOneself, standing_on
from bihuan.web import pictures
from bihuan.web.people import story
from bihuan.web.people.acting import Tried, trying
from bihuan.web.people.asking import AskForm, counts, question_of, shown
from bihuan.web.people.frame import RAISING, page
from bihuan.web.people.nominating import take_papers
from bihuan.web.people.person import Refused, ask_form, show, standing_here
from bihuan.web.posting import desk

Deed = Callable[[datetime], Any]


@desk(*RAISING)
@require_safe
def person(request: HttpRequest, no: str) -> HttpResponse:
    return show(request, standing_here(request, no), now())


def _do(
    request: HttpRequest, standing: Standing, form: str, deed: Deed, said: str, *, bound: AskForm | None = None
) -> HttpResponse:
    """Do it and go back to the page; refused, the page as it is now says why at the form it came from."""
    at = now()
    with trying() as tried, transaction.atomic():
        deed(at)
    if not tried.sentence:
        messages.success(request, said)
        return redirect(f"/people/s/{standing.no}/")
    return _refused(request, standing, form, tried, bound=bound)


def _refused(
    request: HttpRequest, standing: Standing, form: str, tried: Tried, *, bound: AskForm | None = None
) -> HttpResponse:
    if bound is not None and f"a_{tried.field}" in bound.fields:
        bound.add_error(f"a_{tried.field}", tried.sentence)
    kept = Refused(form, tried.sentence, tried.status, request.POST.dict(), bound, pictures.held(request))
    return show(request, standing_here(request, standing.no), now(), kept)


def _seen(request: HttpRequest, no: str) -> Standing:
    """The standing with the number of the event that the page showed: a deed on an older sight is refused."""
    standing = standing_here(request, no)
    n = request.POST.get("n", "")
    standing.seen_n = int(n) if n.isdecimal() and len(n) < 10 else None
    return standing


def _text(request: HttpRequest) -> str:
    return request.POST.get("text", "").replace("\r", "").strip()


def _by(request: HttpRequest) -> Posting:
    return request.posting  # type: ignore[attr-defined, no-any-return]


# The gate under way


@desk(*RAISING)
@require_POST
def vote(request: HttpRequest, no: str) -> HttpResponse:
    standing, agree = _seen(request, no), request.POST.get("agree") == "yes"
    said = _("已表态：同意。") if agree else _("已表态：不同意。")

    def deed(at: datetime) -> None:
        gates.vote(standing, agree=agree, text=_text(request), by=_by(request), at=at)

    return _do(request, standing, "vote", deed, said)


@desk(*RAISING)
@require_POST
def withdraw(request: HttpRequest, no: str) -> HttpResponse:
    standing = _seen(request, no)
    return _do(
        request,
        standing,
        "withdraw",
        lambda at: gates.withdraw(standing, text=_text(request), by=_by(request), at=at),
        _("已撤回。"),
    )


@desk(*RAISING)
@require_POST
def settle(request: HttpRequest, no: str, case_no: str) -> HttpResponse:
    standing = standing_here(request, no)
    rows = Objection.objects.select_related("notice__passing__standing")
    objection = rows.filter(case_no=case_no, notice__passing__standing=standing).first()
    if objection is None:
        raise Http404
    upheld = request.POST.get("upheld") == "yes"

    def deed(at: datetime) -> None:
        noticing.settle(objection, upheld=upheld, text=_text(request), by=_by(request), at=at)

    return _do(request, standing, f"settle-{case_no}", deed, _("异议已处理。"))


@desk(*RAISING)
@require_POST
def rule(request: HttpRequest, no: str) -> HttpResponse:
    standing = standing_here(request, no)
    made = Appeal.objects.filter(passing__standing=standing).select_related("passing__standing").order_by("-pk").first()
    if made is None:
        raise Http404
    upheld = request.POST.get("upheld") == "yes"

    def deed(at: datetime) -> None:
        appealing.rule(made, upheld=upheld, text=_text(request), by=_by(request), at=at)

    return _do(request, standing, "rule", deed, _("申诉已复核。"))


# Gates and moves


@desk(*RAISING)
@require_POST
def open_gate(request: HttpRequest, no: str, key: str) -> HttpResponse:
    standing = _seen(request, no)
    gate = rules_of(standing).gates.get(key)
    if gate is None:
        raise Http404
    form = _bound(request, standing, gate.asks, f"gate-{key}")

    def deed(at: datetime) -> None:
        take_papers(form, standing.subject, by=_by(request))
        gates.open_gate(standing, key, by=_by(request), at=at, answers=form.given, text=_text(request))

    if not form.is_valid():
        return _refused(request, standing, f"gate-{key}", Tried(_("还有没填好的，请看下面。"), 422), bound=form)
    return _do(request, standing, f"gate-{key}", deed, _("已发起，下一步由把关的同事办理。"), bound=form)


@desk(*RAISING)
@require_POST
def make_move(request: HttpRequest, no: str, key: str) -> HttpResponse:
    standing = _seen(request, no)
    move = rules_of(standing).moves.get(key)
    if move is None:
        raise Http404
    form = _bound(request, standing, move.asks, f"move-{key}")

    def deed(at: datetime) -> None:
        take_papers(form, standing.subject, by=_by(request))
        moving.advance(standing, key, by=_by(request), at=at, answers=form.given, text=_text(request))

    if not form.is_valid():
        return _refused(request, standing, f"move-{key}", Tried(_("还有没填好的，请看下面。"), 422), bound=form)
    return _do(request, standing, f"move-{key}", deed, _("已办好。"), bound=form)


def _bound(request: HttpRequest, standing: Standing, asks: tuple[str, ...], id: str) -> AskForm:
    known = facts.answers(standing.subject, rules_of(standing), localdate())
    source = source_of(_by(request))
    return ask_form(standing, asks, source, known=known, id=id, data=request.POST, files=request.FILES)


# Facts and papers


@desk(*RAISING)
@require_http_methods(["GET", "HEAD", "POST"])
def fact(request: HttpRequest, no: str, ask: str) -> HttpResponse:
    """Everything ever told about one question, and the form to tell it anew."""
    standing, at = standing_here(request, no), now()
    rules = rules_of(standing)
    rule, source = rules.asks.get(ask), source_of(_by(request))
    if rule is None or rule.type == "paper":
        raise Http404
    mine = counts(rule, source) and standing.subject.erased_at is None
    data = request.POST if request.method == "POST" else None
    form = AskForm(data, rules=rules, asks=[ask], source=source)
    sorry, status = "", 200
    if data is not None and mine and form.is_valid():
        with trying() as tried:
            _tell(request, standing, rule.use, form.given.get(ask), source, at)
            messages.success(request, _("已登记。"))
            return redirect(f"/people/s/{standing.no}/#facts")
        sorry, status = tried.sentence, tried.status
    elif data is not None:
        sorry, status = (_("还有没填好的，请看下面。"), 422) if mine else (_("这一项由别的单位登记。"), 409)
    question = question_of(rules, rule)
    context = {
        "name": standing.subject.name, "back": f"/people/s/{standing.no}/", "title": question.title,
        "form": form if mine else None, "sorry": sorry, "since": (data or {}).get("since") or localdate(at).isoformat(),
        "today": localdate(at).isoformat(), "proofs": _proofs(standing, (data or {}).get("proof", "")),
        "who": "、".join(str(Source(one).label) for one in rule.source),
        "rows": [_told(one, shown(rules, rule, one.value)) for one in facts.history(standing.subject, rule.use)],
    }  # fmt: skip
    return page(request, standing.program, "people/fact.html", context, status=status)


def _tell(request: HttpRequest, standing: Standing, use: str, value: Any, source: str, at: datetime) -> None:
    if _by(request).person_id == standing.subject.person_id:
        raise AboutOneself
    chosen = request.POST.get("proof", "")
    proof = Paper.objects.filter(subject=standing.subject, pk=chosen).first() if chosen.isdecimal() else None
    since = _day(request.POST.get("since", "")) or localdate(at)
    facts.tell(standing.subject, use, value, source=source, by=_by(request), at=at, since=since, proof=proof)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _proofs(standing: Standing, chosen: str) -> list[dict[str, Any]]:
    return [
        {"id": str(one.pk), "label": one.title, "chosen": str(one.pk) == chosen}
        for one in papers.of_subject(standing.subject)
    ]


def _told(fact: facts.Fact, value: str) -> dict[str, Any]:
    return {
        "value": value or _("（已收回）"),
        "since": fact.since.isoformat(),
        "source": str(Source(fact.source).label),
        "grade": fact.grade,
        "told": story.day(fact.made_at),
        "proof": fact.proof.title if fact.proof else "",
    }


@desk(*RAISING)
@require_POST
def paper(request: HttpRequest, no: str) -> HttpResponse:
    standing = standing_here(request, no)

    def deed(at: datetime) -> None:
        pages = pictures.taken(request, at)
        expires, source = _day(request.POST.get("expires", "")), source_of(_by(request))
        material = request.POST.get("material", "")[:60]
        papers.take_in(standing.subject, material, pages, source=source, by=_by(request), at=at, expires=expires)

    return _do(request, standing, "paper", deed, _("材料已收下。"))


@desk(*RAISING)
@require_POST
def reveal(request: HttpRequest, no: str) -> HttpResponse:
    """Phone and identity number in this answer only; the look is recorded with its purpose."""
    standing = standing_here(request, no)
    with trying() as tried:
        seen = subjects.reveal(standing.subject, by=_by(request), purpose=request.POST.get("purpose", ""), at=now())
        return show(request, standing, now(), Refused("reveal"), seen={"phone": seen.phone, "identity": seen.identity})
    return _refused(request, standing, "reveal", tried)


# Who answers, what is owed, what was given


@desk(*RAISING)
@require_POST
def assign(request: HttpRequest, no: str) -> HttpResponse:
    standing, chosen = standing_here(request, no), request.POST.get("leader", "")
    today = standing_on(localdate())
    leader = Posting.objects.filter(today, pk=chosen).first() if chosen.isdecimal() and len(chosen) < 19 else None

    def deed(at: datetime) -> None:
        if leader is None:
            raise duties.NoLeader(_("请选择包保领导。"))
        duties.assign(standing, leader, by=_by(request), at=at)

    return _do(request, standing, "assign", deed, _("已确定包保领导。"))


@desk(*RAISING)
@require_POST
def do_duty(request: HttpRequest, no: str, key: str) -> HttpResponse:
    standing = standing_here(request, no)
    duty = duties_due.still_open(standing).filter(key=key).first()

    def deed(at: datetime) -> None:
        if duty is None:
            raise NotNow(_("这件事已经办过了，或不用再办。"))
        shots, amount = pictures.taken(request, at), request.POST.get("amount", "").strip() or "1"
        duties.do(duty, by=_by(request), at=at, text=_text(request), pictures=shots, amount=amount)  # type: ignore[arg-type]

    return _do(request, standing, f"duty-{key}", deed, _("已记下，谢谢。"))


@desk(*RAISING)
@require_POST
def enter(request: HttpRequest, no: str) -> HttpResponse:
    """A line of the ledger, with its evidence; sent twice it is one (G2)."""
    standing = standing_here(request, no)
    side = request.POST.get("side", "")
    return _do(request, standing, f"entry-{side}", lambda at: _enter(request, standing, at), _("已记入台账。"))


def _enter(request: HttpRequest, standing: Standing, at: datetime) -> None:
    by, said = _by(request), request.POST
    kind = rules_of(standing).entries.get(said.get("kind", ""))
    if kind is None:
        raise NotNow(_("请选择记哪一项。"))
    if by.person_id in posts.recused(standing):
        raise AboutOneself
    shots = pictures.taken(request, at)
    if kind.evidence and not shots:
        raise photos.BadPhoto(_("“%(title)s”要附凭证照片。") % {"title": _title(standing, kind.key)})
    cause = ledger.Cause("entered", _once(said.get("once", "")))
    named = said.get("other", "").strip()
    other = ledger.outside(named) if named else ledger.unit(by.unit_id)
    txn = giving.enter(
        standing, kind.key, said.get("amount", ""), rule=f"entry.{kind.key}", cause=cause, other=other, by=by, at=at,
        on=_day(said.get("on", "")), note=said.get("note", ""), evidence=shots,
    )  # fmt: skip
    photos.hold(shots, holder="txn", holder_id=txn.pk)


def _once(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else new_id()


def _title(standing: Standing, entry: str) -> str:
    return rules_of(standing).label("entry", entry, language())
