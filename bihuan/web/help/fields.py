"""Fields of these forms: a place or office by name or code, a trainee by name or number, and what the ledger counts."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from bihuan.dossier import subjects
from bihuan.dossier.models import Subject
from bihuan.ladder.models import Standing
from bihuan.lib.codes import BadNumber, parse_short_code
from bihuan.net import tree
from bihuan.net.models import Posting, Unit
from bihuan.net.scope import covers
from bihuan.net.tree import UnitRow
from bihuan.offers.actions.plans import Line
from bihuan.offers.entries import Given
from bihuan.offers.record import MOST_CHARACTERS
from bihuan.programs.ladder import LadderProgram


class DayField(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


class MomentField(forms.DateTimeField):
    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], **kwargs)


def words(label: Any, *, rows: int = 3, **kwargs: Any) -> forms.CharField:
    """What somebody writes in sentences."""
    attrs = {"rows": rows, "data-count": MOST_CHARACTERS}
    return forms.CharField(label=label, max_length=MOST_CHARACTERS, widget=forms.Textarea(attrs=attrs), **kwargs)


class UnitField(forms.CharField):
    """A unit by its code, its name, or its name with the places above it; `covered_by` keeps it within a posting's reach."""

    def __init__(self, *, places: bool | None = None, covered_by: Posting | None = None, **kwargs: Any) -> None:
        super().__init__(max_length=120, **kwargs)
        self.places, self.covered_by = places, covered_by

    def clean(self, value: Any) -> Unit | None:
        said = super().clean(value)
        if not said:
            return None
        found = [unit for unit in self._named(said.strip()) if self._fits(unit)]
        if len(found) != 1:
            says = _("有%(n)d个单位叫“%(said)s”，请填代码。") if found else _("没有找到“%(said)s”，请填全称或代码。")
            raise forms.ValidationError(says % {"said": said, "n": len(found)})
        return Unit.objects.get(pk=found[0].id)

    def _named(self, said: str) -> list[UnitRow]:
        net = tree.snapshot()
        if net.has_code(said):
            return [net.by_code(said)]
        return [unit for unit in net if said in (unit.name, unit.short) or net.full_name(unit.id) == said]

    def _fits(self, unit: UnitRow) -> bool:
        kind = self.places is None or unit.is_place == self.places
        return kind and (self.covered_by is None or covers(self.covered_by, unit))


class SubjectField(forms.CharField):
    """Somebody of the posting's area by number (of the person or of the standing) or by the whole name."""

    def __init__(self, *, by: Posting, **kwargs: Any) -> None:
        super().__init__(max_length=80, **kwargs)
        self.by = by

    def clean(self, value: Any) -> Subject | None:
        said = super().clean(value)
        if not said:
            return None
        found = [one for one in self._found(said.strip()) if covers(self.by, one.unit)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise forms.ValidationError(_("您的辖区里没有找到“%(said)s”，请核对姓名或编号。") % {"said": said})
        raise forms.ValidationError(
            _("不止一人叫“%(said)s”，请填编号：%(who)s。") % {"said": said, "who": _told(found)}
        )

    def _found(self, said: str) -> list[Subject]:
        known = Subject.objects.filter(erased_at=None).select_related("unit")
        try:
            no = parse_short_code(said)
        except BadNumber:
            return [one for one in subjects.named(said, self.by.unit_id) if one.name == said]
        return list(known.filter(no=no)) or list(known.filter(standings__no=no).distinct())


def _told(found: Iterable[Subject]) -> str:
    net = tree.snapshot()
    return "；".join(f"{one.no}（{net.unit(one.unit_id).name}）" for one in found)


def standing_of(subject: Subject, program: str) -> Standing | None:
    """Where somebody stands in a program now, or stood last."""
    rows = Standing.objects.filter(subject=subject, program=program).select_related("subject", "unit")
    return rows.order_by("-pk").first()


# What was given


def measures(rules: LadderProgram, side: str = "") -> list[tuple[str, str]]:
    """What the program's ledger counts, as choices."""
    lang = get_language()
    kinds = [kind for kind in rules.entries.values() if not side or kind.side == side]
    return [(kind.key, f"{rules.label('entry', kind.key, lang)}（{kind.unit}）") for kind in kinds]


class GivenFields(forms.Form):
    """What was given with something done; empty when nothing goes into the ledger."""

    measure = forms.ChoiceField(
        label=gettext_lazy("记入台账"), required=False,
        help_text=gettext_lazy("给了资金、土地、培训等，选一项并填数量；没有就不选。"),
    )  # fmt: skip
    amount = forms.DecimalField(
        label=gettext_lazy("数量"), required=False, max_digits=14, decimal_places=2, min_value=Decimal("0.01")
    )
    source = forms.CharField(
        label=gettext_lazy("由谁提供"), required=False, max_length=80,
        help_text=gettext_lazy("不是本单位给的才填，如某某银行。"),
    )  # fmt: skip
    blamed = {"given": "measure"}

    def offer(self, rules: LadderProgram | None) -> None:
        if rules is None or not measures(rules, "support"):
            for name in ("measure", "amount", "source"):
                del self.fields[name]
            return
        self.fields["measure"].choices = [("", _("不记台账")), *measures(rules, "support")]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("measure") and not said.get("amount"):
            self.add_error("amount", _("请填写数量。"))
        return said

    def given(self, program: str) -> Given | None:
        said = self.cleaned_data
        if not said.get("measure"):
            return None
        return Given(said["measure"], said["amount"], source=said.get("source", ""), program=program)


# A plan


class LineForm(forms.Form):
    """One line of a help plan: in which month who does what, by which day."""

    month = forms.CharField(label=gettext_lazy("月份"), widget=forms.DateInput(attrs={"type": "month"}))
    measure = forms.CharField(label=gettext_lazy("帮扶措施"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    helper = forms.ChoiceField(label=gettext_lazy("帮扶人"), required=False)
    name = forms.CharField(label=gettext_lazy("或写姓名"), max_length=40, required=False)
    due_on = DayField(label=gettext_lazy("完成日期"))

    def __init__(self, *args: Any, helpers: list[Posting], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = {str(one.pk): one for one in helpers}
        choices = [(key, one.person.name) for key, one in self.known.items()]
        self.fields["helper"].choices = [("", _("外单位的人")), *choices]  # type: ignore[attr-defined]

    def clean_month(self) -> date:
        try:
            return date.fromisoformat(f"{self.cleaned_data['month'].strip()}-01")
        except ValueError:
            raise forms.ValidationError(_("月份请写成 2026-12 这样。")) from None

    def line(self) -> Line:
        said = self.cleaned_data
        posting = self.known.get(said["helper"])
        return Line(said["month"], said["measure"], said["due_on"], helper=said["name"], posting=posting)


def month_of(day: date) -> str:
    return f"{day:%Y-%m}"


def this_year(at: Any) -> int:
    return timezone.localdate(at).year
