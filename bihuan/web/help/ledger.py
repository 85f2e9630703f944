"""The ledger of an area: what was given to those on a ladder and what they gave back, with sums, evidence and a way to
enter one or take one back."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from bihuan.book import ledger
from bihuan.book.models import Owner, Txn
from bihuan.ladder.actions import ledgering
from bihuan.ladder.rules import NotNow
from bihuan.loop.lists import BadCursor
from bihuan.net import tree
from bihuan.net.models import Level, Posting
from bihuan.net.postings import names_of
from bihuan.net.scope import covers
from bihuan.programs.ladder import EntryKind, LadderProgram
from bihuan.web import pictures
from bihuan.web.help.fields import DayField, SubjectField, UnitField, measures, standing_of
from bihuan.web.help.frame import (
    area_asked,
    first_of,
    in_large,
    names_of_subjects,
    page,
    pages_of_subjects,
    program_here,
    program_tabs,
    raiser,
    submit,
)

PAGE, YEARS_BACK = 50, 8
SIDES = {"support": gettext_lazy("帮扶"), "contribution": gettext_lazy("反哺")}
URL = "/people/ledger/{}/"


def has_ledger(rules: LadderProgram) -> bool:
    return bool(rules.entries)


def amount_words(amount: Decimal) -> str:
    return f"{amount:,.2f}".removesuffix(".00")


@require_safe
@raiser
def first(request: HttpRequest) -> HttpResponse:
    return first_of(request, has_ledger, URL)


@require_safe
@raiser
def show(request: HttpRequest, program: str) -> HttpResponse:
    """Sums by measure and the entries behind them, narrowed by side, measure, year and area. Three queries and names."""
    rules = program_here(request, program)
    if not has_ledger(rules):
        raise Http404
    area, asked = area_asked(request), _asked(request, rules)
    first_day, last_day = _days(asked["year"])
    narrowed = {"within": area.id, "first": first_day, "last": last_day, "side": asked["side"] or None,
                "measure": asked["measure"] or None}  # fmt: skip
    found = _after(ledger.entered(rules.key, **narrowed), request.GET.get("after", ""))
    context = {
        "tabs": program_tabs(request, has_ledger, URL, rules.key), "program": rules.key, "title": _("台账"),
        "area": area.name, "filters": _filters(request, rules, asked), "kept": _kept(request),
        "sums": _sums(rules, ledger.sums(rules.key, **narrowed), request), "asked": asked,
        "rows": _rows(request, rules, found[:PAGE]), "next_url": _next(request, found),
        "enter_url": reverse("help_ledger_enter", args=[rules.key]),
    }  # fmt: skip
    return page(request, "ledger", "help/ledger.html", context)


def _asked(request: HttpRequest, rules: LadderProgram) -> dict[str, str]:
    """What the list is narrowed by; what makes no sense narrows nothing."""
    side, measure, year = (request.GET.get(key, "") for key in ("side", "measure", "year"))
    return {
        "side": side if side in SIDES else "",
        "measure": measure if measure in rules.entries else "",
        "year": year if year.isascii() and year.isdecimal() and 1990 <= int(year[:6]) <= 2200 else "",
    }


def _days(year: str) -> tuple[date | None, date | None]:
    return (date(int(year), 1, 1), date(int(year), 12, 31)) if year else (None, None)


def _filters(request: HttpRequest, rules: LadderProgram, asked: dict[str, str]) -> list[dict[str, Any]]:
    now = timezone.localdate(request.now).year  # type: ignore[attr-defined]
    net, own = tree.snapshot(), area_asked(request)
    below = [(unit.code, unit.name) for unit in net.places_below(own.id) if unit.level <= Level.COMMUNITY]
    choices = {
        "side": (_("哪一边"), [("", _("帮扶和反哺")), *((key, str(label)) for key, label in SIDES.items())]),
        "measure": (_("项目"), [("", _("全部")), *measures(rules, asked["side"])]),
        "year": (_("年度"), [("", _("历年"))] + [(str(year), str(year)) for year in range(now, now - YEARS_BACK, -1)]),
        "area": (_("地方"), [(own.code, own.name), *below]),
    }
    chosen = {**asked, "area": own.code}
    return [
        {"name": name, "label": label, "choices": [(key, title, key == chosen[name]) for key, title in pairs]}
        for name, (label, pairs) in choices.items()
    ]  # fmt: skip


def _kept(request: HttpRequest, **changed: str) -> str:
    """The address of this page with the same narrowing, some of it changed."""
    said = QueryDict(mutable=True)
    for key in ("side", "measure", "year", "area"):
        if value := changed.get(key, request.GET.get(key, "")):
            said[key] = value
    return "?" + said.urlencode()


def _sums(
    rules: LadderProgram, totals: dict[tuple[str, str], ledger.Total], request: HttpRequest
) -> list[dict[str, Any]]:
    """A group for each side, its measures in the order of the document; each opens its entries."""
    groups = []
    for side, label in SIDES.items():
        kinds = [kind for kind in rules.entries.values() if (side, kind.key) in totals]
        stats = [
            _stat(rules, kind, totals[side, kind.key], _kept(request, side=side, measure=kind.key)) for kind in kinds
        ]
        if stats:
            groups.append({"title": label, "stats": stats})
    return groups


def _stat(rules: LadderProgram, kind: EntryKind, total: ledger.Total, url: str) -> dict[str, Any]:
    value, unit = in_large(total.amount, kind.unit, amount_words(total.amount))
    label = rules.label("entry", kind.key, get_language())
    return {"label": label, "value": value, "unit": unit, "sub": _("%(n)d笔") % {"n": total.count}, "url": url}


def _after(rows: Any, cursor: str) -> list[Txn]:
    day, _line, pk = cursor.partition("_")
    try:
        after = (date.fromisoformat(day), int(pk)) if cursor else None
    except ValueError:
        raise BadCursor from None
    return ledger.page(rows.select_related("reversed_by"), after=after, most=PAGE + 1)


def _next(request: HttpRequest, found: list[Txn]) -> str:
    if len(found) <= PAGE:
        return ""
    last = found[PAGE - 1]
    return f"{_kept(request)}&after={last.on.isoformat()}_{last.pk}"


# Rows


def _rows(request: HttpRequest, rules: LadderProgram, found: list[Txn]) -> list[dict[str, Any]]:
    """Entries as the page shows them, with everybody's name. Three queries, however many rows."""
    subjects = {id for one in found for kind, id in _parties(one) if kind == Owner.SUBJECT}
    names, pages = names_of_subjects(subjects), pages_of_subjects(subjects, rules.key)
    people = {pk: name for pk, _unit, name in names_of({one.by for one in found if one.by})}
    return [_row(rules, one, names, pages, people) for one in found]


def _parties(one: Txn) -> list[tuple[str, int]]:
    return [(one.giver_kind, one.giver_id), (one.receiver_kind, one.receiver_id)]


def _row(
    rules: LadderProgram, one: Txn, names: dict[int, str], pages: dict[int, str], people: dict[int, str]
) -> dict[str, Any]:
    kind = rules.entries.get(one.measure)
    reversed_ = one.reverses_id is not None or getattr(one, "reversed_by", None) is not None
    return {
        "on": one.on.isoformat(),
        "title": rules.label("entry", one.measure, get_language()) if kind else one.measure,
        "side": SIDES.get(one.side, one.side), "tone": "info" if one.side == "support" else "ok",
        "amount": f"{amount_words(one.amount)}{kind.unit if kind else ''}",
        "giver": _party(one.giver_kind, one.giver_id, one.giver_name, names),
        "receiver": _party(one.receiver_kind, one.receiver_id, "", names),
        "person_url": next((pages[id] for kind_, id in _parties(one) if kind_ == Owner.SUBJECT and id in pages), ""),
        "place": tree.snapshot().full_name(one.unit_id, Level.TOWN), "note": one.note, "by": people.get(one.by or 0, ""),
        "photos": pictures.strip(one.evidence, one.note or one.measure),
        "state": _("冲销") if one.reverses_id else _("已冲销") if reversed_ else "", "struck": reversed_, "reverse": _("冲销"),
        "reverse_url": "" if reversed_ else reverse("help_ledger_reverse", args=[one.program, one.pk]),
    }  # fmt: skip


def _party(kind: str, id: int, name: str, names: dict[int, str]) -> str:
    if kind == Owner.SUBJECT:
        return names.get(id, "")
    unit = tree.snapshot().get(id) if kind == Owner.UNIT else None
    return unit.name if unit else name or str(_("社会和群众"))


# One more


class EntryForm(forms.Form):
    """Support for somebody, or something they gave."""

    def __init__(self, *args: Any, by: Posting, rules: LadderProgram, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = [(str(label), measures(rules, side)) for side, label in SIDES.items()]
        titled = [("", _("请选择")), *(group for group in groups if group[1])]
        self.fields |= {
            "subject": SubjectField(by=by, label=rules.label("program", "subject", get_language()),
                                    help_text=_("姓名，或档案上的编号；同名的填编号。")),
            "entry": forms.ChoiceField(label=_("项目"), choices=titled),
            "amount": forms.DecimalField(label=_("数量"), min_value=Decimal("0.01"), max_digits=14, decimal_places=2),
            "on": DayField(label=_("日期")),
            "unit": UnitField(label=_("帮扶单位"), required=False, help_text=_("帮扶由哪个单位给；是本级单位以外的，写在下面。")),
            "other": forms.CharField(label=_("社会单位，或反哺给了谁"), max_length=80, required=False,
                                     help_text=_("如某某银行；反哺写受益的村、户。")),
            "note": forms.CharField(label=_("说明"), max_length=200, required=False),
        }  # fmt: skip

    def other_party(self) -> ledger.Party:
        """Who gives, or whom it was given to: a unit of the net, or somebody outside by name."""
        said = self.cleaned_data
        if said["unit"] is not None:
            return ledger.unit(said["unit"].pk)
        return ledger.outside(said["other"])

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("unit") and said.get("other"):
            self.add_error("other", _("给的单位和社会单位只填一个。"))
        return said


@require_http_methods(["GET", "HEAD", "POST"])
@raiser
def enter(request: HttpRequest, program: str) -> HttpResponse:
    """Enter one thing given, with its evidence."""
    by, at, rules = request.posting, request.now, program_here(request, program)  # type: ignore[attr-defined]
    initial = {"on": timezone.localdate(at), "subject": request.GET.get("s", "")}
    form = EntryForm(request.POST if request.method == "POST" else None, by=by, rules=rules, initial=initial)
    if request.method != "POST":
        return _enter_page(request, rules, form)

    def act(said: dict[str, Any]) -> Txn:
        standing = standing_of(said["subject"], rules.key)
        if standing is None:
            title = rules.label("program", "title", get_language())
            raise NotNow(_("此人不在“%(program)s”里。") % {"program": title})
        return ledgering.enter(
            standing, said["entry"], said["amount"], other=form.other_party(), by=by, at=at, on=said["on"],
            note=said["note"], pictures=pictures.taken(request, at),
        )  # fmt: skip

    return submit(
        request, form, act, done=_("已记入台账。"), to=URL.format(rules.key),
        again=lambda status: _enter_page(request, rules, form, status),
    )  # fmt: skip


def _enter_page(request: HttpRequest, rules: LadderProgram, form: EntryForm, status: int = 200) -> HttpResponse:
    context = {
        "crumbs": [{"label": _("台账"), "url": URL.format(rules.key)}, {"label": _("记一笔")}], "form": form,
        "held": pictures.held(request),
    }  # fmt: skip
    return page(request, "ledger", "help/enter.html", context, status)


class ReverseForm(forms.Form):
    text = forms.CharField(label=gettext_lazy("为什么冲销"), max_length=200, widget=forms.Textarea(attrs={"rows": 2}))


@require_http_methods(["GET", "HEAD", "POST"])
@raiser
def reverse_one(request: HttpRequest, program: str, txn: int) -> HttpResponse:
    """Take one entry back with a reason, after it was shown once more."""
    by, at, rules = request.posting, request.now, program_here(request, program)  # type: ignore[attr-defined]
    found = Txn.objects.filter(pk=txn, program=rules.key).select_related("reversed_by").first()
    if found is None or not covers(by, tree.snapshot().unit(found.unit_id)):
        raise Http404
    form = ReverseForm(request.POST if request.method == "POST" else None)
    again = lambda status=200: _reverse_page(request, rules, found, form, status)  # noqa: E731
    if request.method != "POST":
        return again()
    return submit(
        request, form, lambda said: ledgering.reverse(found, text=said["text"], by=by, at=at), done=_("已冲销。"),
        to=URL.format(rules.key), again=again,
    )  # fmt: skip


def _reverse_page(
    request: HttpRequest, rules: LadderProgram, found: Txn, form: ReverseForm, status: int
) -> HttpResponse:
    context = {
        "crumbs": [{"label": _("台账"), "url": URL.format(rules.key)}, {"label": _("冲销")}],
        "row": _rows(request, rules, [found])[0], "form": form,
    }  # fmt: skip
    return page(request, "ledger", "help/reverse.html", context, status)
