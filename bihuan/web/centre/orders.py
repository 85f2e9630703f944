"""What a dispatcher says of a case in one go: what it is, where, who does it. And the advice on which that rests."""

import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bihuan.loop.actions import dispatching, intake
from bihuan.loop.categories import deciding, duties, full_title, in_use, suggest
from bihuan.loop.models import Case, CaseEvent, Category, State
from bihuan.loop.moves import rules_of
from bihuan.loop.placing import at_unit
from bihuan.loop.wording import language
from bihuan.net import tree
from bihuan.net.models import Posting, Unit
from bihuan.net.scope import area_of, covers
from bihuan.net.search import units_named
from bihuan.net.tree import UnitRow
from bihuan.web.case_panels import words_field
from bihuan.web.forms_report import Words
from bihuan.web.places import full_words

MOST_ADVICE = 4


class PlaceForm(forms.Form):
    """Where a case is: what was chosen from the list, else what the typed words name without doubt."""

    blamed = {"place": "address"}

    address = Words(label=gettext_lazy("地点"), required=False, max_length=400)
    grid = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, case: Case, by: Posting, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case, self.by, self.at = case, by, at

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        said["place"] = self._place(said.get("address", "").strip(), said.get("grid", ""))
        return said

    def _place(self, words: str, code: str) -> int | None:
        """The unit named; the case's own place when nothing was said."""
        if not words:
            return self.case.grid_id
        found = place_called(words, code, self.by)
        if found is None:
            self.add_error("address", _("没有找到这个地点。请写到街道、社区或网格的名字，从列表里选一个。"))
            return None
        if not covers(self.by, found):
            self.add_error("address", _("“%(name)s”不在您的职责范围内。") % {"name": found.name})
            return None
        return found.id

    @property
    def moved(self) -> bool:
        return self.cleaned_data["place"] not in (None, self.case.grid_id)


def place_called(words: str, code: str, by: Posting) -> UnitRow | None:
    """The place of these words: the one chosen, if its words still stand in the box; else what they name for certain."""
    net = tree.snapshot()
    chosen = net.by_code(code) if code and net.has_code(code) else None
    if chosen and words == full_words(chosen):
        return chosen
    home = area_of(net.unit(by.unit_id), net)
    return net.get(net.resolve_address(words, home.id))


class CategoryMixin:
    """A form that says what a matter is about; the case's own category when it says nothing."""

    case: Case

    def clean_category(self) -> Category | None:
        chosen = self.cleaned_data["category"]  # type: ignore[attr-defined]
        known = in_use(chosen)
        if chosen and known is None:
            raise forms.ValidationError(_("没有这个类别，请重新选择。"))
        return known


class AcceptForm(CategoryMixin, forms.Form):
    """Accepting alone: the sort and the category may be set right with it."""

    category = forms.CharField(required=False)
    type = forms.CharField(required=False)

    def __init__(self, *args: Any, case: Case, by: Posting, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case, self.by, self.at = case, by, at

    def clean_type(self) -> str:
        chosen = self.cleaned_data["type"]
        return chosen if chosen in rules_of(self.case).types and chosen != self.case.type else ""


class AnswerForm(AcceptForm):
    """What is said at once; then nobody needs to go."""

    answer = words_field(gettext_lazy("直接答复"), hint=gettext_lazy("这段话群众会看到，发出后即办结。"))
    blamed = {"text": "answer"}


class DispatchForm(CategoryMixin, PlaceForm):
    """One submit: accepted if it was only filed, placed if it moves, dispatched."""

    blamed = {"place": "address", "unit": "unit_name"}

    type = forms.CharField(required=False)
    category = forms.CharField(required=False)
    urgency = forms.CharField(required=False)
    unit = forms.CharField(required=False)  # code of an advised unit
    unit_name = Words(required=False, max_length=80)  # another one: typed; it wins over the advice
    unit_code = forms.CharField(required=False)
    assist = forms.CharField(required=False)
    assist_names = Words(required=False, max_length=400)
    note = words_field(gettext_lazy("派单说明"), rows=2)

    clean_type = AcceptForm.clean_type

    def clean_urgency(self) -> str:
        chosen = self.cleaned_data["urgency"]
        return chosen if chosen in rules_of(self.case).urgencies and chosen != self.case.urgency else ""

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        rows = [self._unit(said), *self._assisting(said)]
        units = {unit.pk: unit for unit in Unit.objects.filter(pk__in=[row.id for row in rows if row])}
        said["to"] = units.get(rows[0].id) if rows[0] else None
        said["assisting"] = [units[row.id] for row in rows[1:] if row]
        return said

    def _unit(self, said: dict[str, Any]) -> UnitRow | None:
        name = said.get("unit_name", "").strip()
        found = unit_called(name, said.get("unit_code", ""), self.by) if name else _by_code(said.get("unit", ""))
        if name and found is None:
            self.add_error("unit_name", _("没有找到“%(name)s”，或者有几个同名的。请从列表里选。") % {"name": name[:40]})
        elif found is None and not self.errors.get("unit_name"):
            self.add_error("unit_name", _("请选择承办单位。"))
        return found

    def _assisting(self, said: dict[str, Any]) -> Iterator[UnitRow]:
        yield from (row for row in map(_by_code, self.assists) if row)
        for name in said.get("assist_names", "").replace("，", "、").replace(",", "、").split("、"):
            if not name.strip():
                continue
            found = unit_called(name.strip(), "", self.by)
            if found:
                yield found
            else:
                self.add_error(
                    "assist_names", _("没有找到“%(name)s”，或者有几个同名的。") % {"name": name.strip()[:40]}
                )

    @property
    def assists(self) -> list[str]:
        """Codes of the assisting units chosen so far."""
        return self.data.getlist("assist")[:20] if hasattr(self.data, "getlist") else []


def _by_code(code: str) -> UnitRow | None:
    net = tree.snapshot()
    return net.by_code(code) if code and net.has_code(code) else None


def unit_called(name: str, code: str, by: Posting) -> UnitRow | None:
    """The unit of this name: the one chosen, if its name still stands in the box; else the only one called so."""
    chosen = _by_code(code)
    if chosen and chosen.name == name:
        return chosen
    net = tree.snapshot()
    found = units_named(name, area_of(net.unit(by.unit_id), net).id)
    called = [unit for unit in found if name in (unit.name, unit.short)]
    return (called or found)[0] if len(called or found) == 1 else None


# The acts


def accept(case: Case, form: AcceptForm, by: Posting, at: datetime) -> None:
    said = form.cleaned_data
    intake.accept(case, by=by, at=at, category=said["category"], type=said["type"])


def answer(case: Case, form: AnswerForm, by: Posting, at: datetime) -> None:
    said = form.cleaned_data
    intake.answer(case, said["answer"].replace("\r", ""), by=by, at=at, category=said["category"])


def place(case: Case, form: PlaceForm, by: Posting, at: datetime) -> None:
    """Put the case where the form says. Raises what `intake.place` raises, also when nothing was said."""
    intake.place(case, form.cleaned_data["place"], by=by, at=at)


@transaction.atomic
def send_out(case: Case, form: DispatchForm, by: Posting, at: datetime) -> None:
    """Accept (a case only filed), place (when the place changes) and dispatch: all of it or nothing."""
    said = form.cleaned_data
    if case.state == State.FILED:
        intake.accept(case, by=by, at=at, category=said["category"], type=said["type"])
        case = _again(case)
    if form.moved:
        intake.place(case, said["place"], by=by, at=at)
        case = _again(case)
    order = {"category": said["category"], "urgency": said["urgency"], "note": said["note"].replace("\r", "").strip()}
    dispatching.dispatch(case, to=said["to"], assisting=said["assisting"], by=by, at=at, **order)


def _again(case: Case) -> Case:
    """The case after an act of ours, still locked by us: what was seen before no longer counts."""
    return Case.objects.get(region_id=case.region_id, pk=case.pk)


# Advice


@dataclass(frozen=True, slots=True)
class Advised:
    """A unit that may do it, and why. `warning`: why rather not."""

    code: str
    name: str
    why: str
    warning: str
    chosen: bool


def advice(
    case: Case, *, category: int | None, place_id: int | None, by: Posting, on: date, chosen: str = ""
) -> list[Advised]:
    """Who may take it: whom the duty list names, then its fallback, then the place's own street and community.

    chosen: the code picked so far; without one the first that did not hand this case back. At most two queries.
    """
    refused = handed_back_by(case) if case.hand_backs else {}
    reasons: dict[int, str] = {}
    for unit, why in _reasons(moved_to(case, place_id), category, on):
        if unit not in reasons and covers(by, tree.snapshot().unit(unit)):
            reasons[unit] = why
    units = [tree.snapshot().unit(unit) for unit in list(reasons)[:MOST_ADVICE]]
    first = next((unit.code for unit in units if unit.id not in refused), "")
    picked = chosen if chosen in {unit.code for unit in units} else first
    return [_advised(unit, reasons[unit.id], refused, picked) for unit in units]


def _advised(unit: UnitRow, why: str, refused: dict[int, str], picked: str) -> Advised:
    warning = _("这件退过单：%(reason)s") % {"reason": refused[unit.id]} if unit.id in refused else ""
    return Advised(unit.code, unit.name, why, warning, unit.code == picked)


def _reasons(case: Case, category: int | None, on: date) -> Iterator[tuple[int, str]]:
    for duty in duties(case, category_id=category, on=on):
        if duty.category_id is None:
            yield duty.unit_id, duty.clause or str(_("属地兜底"))
        else:
            title = full_title(duty.category_id)
            yield duty.unit_id, f"{title}：{duty.clause}" if duty.clause else title
    for unit in (case.l4, case.l5):
        if unit is not None:
            yield unit, str(_("事发地"))


def moved_to(case: Case, place_id: int | None) -> Case:
    """The case as if it were there, not saved."""
    if place_id in (None, case.grid_id):
        return case
    moved = copy.copy(case)
    placed = asdict(at_unit(place_id))
    for level in ("l1", "l2", "l3", "l4", "l5", "grid_id"):
        setattr(moved, level, placed[level])
    return moved


def handed_back_by(case: Case) -> dict[int, str]:
    """Unit -> the reason of its last hand-back of this case. Two queries."""
    told = CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk, verb="hand_back").order_by("n")
    units = dict(Posting.objects.filter(pk__in=[event.posting for event in told]).values_list("pk", "unit_id"))
    return {units[event.posting]: reason_of(case, event.data) for event in told if event.posting in units}


def reason_of(case: Case, data: str) -> str:
    """The title of a hand-back's reason."""
    rules = rules_of(case)
    reason = json.loads(data).get("reason", "")
    return rules.label("reason", f"hand_back.{reason}", language()) if reason else ""


@dataclass(frozen=True, slots=True)
class Guess:
    """A category that the words suggest, with the words that decided."""

    id: int
    title: str
    words: str
    key: str
    says: str  # the key as people write it


def guesses(text: str) -> list[Guess]:
    found = suggest(text)
    return [
        Guess(one.pk, full_title(one.pk), "、".join(deciding(text, one)[:4]), f"alt+{n}", f"Alt+{n}")
        for n, one in enumerate(found, 1)
    ]


def chips(codes: Sequence[str]) -> list[dict[str, str]]:
    """Assisting units chosen so far."""
    return [{"code": row.code, "name": row.name} for row in map(_by_code, codes) if row]
