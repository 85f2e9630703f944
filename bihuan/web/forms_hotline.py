"""A call as the agent takes it down: one form for filing, answering at once and dispatching."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bihuan.loop import wording
from bihuan.loop.categories import full_title, in_use
from bihuan.loop.models import Secrecy, Source
from bihuan.loop.report import MOST_CHARACTERS, Report
from bihuan.net import tree
from bihuan.net.models import Kind, Posting, Unit
from bihuan.net.scope import area_of, covers
from bihuan.web.forms_report import PlacedForm, Words, private_line

FILE, ANSWER, DISPATCH = "file", "answer", "dispatch"
LONGEST_REF = 60  # of a call, as the softphone names it


class IntakeForm(PlacedForm):
    """What the caller says and what becomes of it (`do`: only filed, answered at once, or dispatched)."""

    blamed = {"place": "address", "phone": "caller"}

    caller = private_line(gettext_lazy("来电号码"), type="tel", autocomplete="off", **{"data-key": "alt+c"})
    name = private_line(gettext_lazy("怎么称呼"), autocomplete="off")
    ref = Words(required=False, widget=forms.HiddenInput)
    type = forms.ChoiceField(
        label=gettext_lazy("类型"),
        widget=forms.RadioSelect(attrs={"data-key": "alt+y"}),
        error_messages={"required": gettext_lazy("请选择类型。"), "invalid_choice": gettext_lazy("请选择类型。")},
    )
    text = Words(
        label=gettext_lazy("内容"),
        error_messages={"required": gettext_lazy("请写下来电内容。")},
        widget=forms.Textarea(attrs={"rows": 3, "data-count": MOST_CHARACTERS, "data-key": "alt+t"}),
    )
    address = Words(label=gettext_lazy("地点"), required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    urgency = forms.ChoiceField(label=gettext_lazy("紧急程度"), required=False, widget=forms.RadioSelect)
    secrecy = forms.ChoiceField(
        label=gettext_lazy("是否公开"), required=False, widget=forms.RadioSelect, choices=Secrecy.choices
    )
    category = forms.CharField(required=False, widget=forms.HiddenInput)
    category_text = Words(label=gettext_lazy("类别"), required=False)
    unit = forms.CharField(required=False, widget=forms.HiddenInput)
    unit_text = Words(label=gettext_lazy("承办单位"), required=False)
    answer = Words(
        label=gettext_lazy("当场答复"), required=False, widget=forms.Textarea(attrs={"rows": 1, "data-key": "alt+r"})
    )
    do = forms.ChoiceField(choices=[(one, one) for one in (FILE, ANSWER, DISPATCH)], required=False)

    def __init__(self, *args: Any, by: Posting, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        # The caller's number comes first; when a softphone brought it along, what they say does.
        self.fields["text" if self["caller"].value() else "caller"].widget.attrs["autofocus"] = True
        self.fields["type"].choices = list(wording.titles("type", at).items())
        self.fields["urgency"].choices = list(wording.titles("urgency", at).items())

    def clean_ref(self) -> str:
        return self.cleaned_data["ref"][:LONGEST_REF]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        said["category_id"], said["to"] = self._category(said), self._unit(said)
        said["assisting"] = [unit for unit in units(self.assists) if covers(self.by, unit)]
        if said.get("do") == DISPATCH and said["to"] is None and "unit_text" not in self.errors:
            self.add_error("unit_text", _("派单要选定承办单位；还不知道派给谁，可以只登记。"))
        if said.get("do") == ANSWER and not said.get("answer"):
            self.add_error("answer", _("请写下当场答复的内容。"))
        return said

    @property
    def assists(self) -> list[str]:
        return self.data.getlist("assist") if hasattr(self.data, "getlist") else []

    def _category(self, said: dict[str, Any]) -> int | None:
        if not said.get("category_text"):
            return None
        known = in_use(said.get("category"))
        if known is None or full_title(known.pk) != said["category_text"]:
            self.add_error("category_text", _("请从列出的类别里选一个，或者清空。"))
            return None
        return known.pk

    def _unit(self, said: dict[str, Any]) -> Unit | None:
        if not said.get("unit_text"):
            return None
        found = units([said.get("unit", "")])
        if not found or found[0].name != said["unit_text"]:
            self.add_error("unit_text", _("请从列出的单位里选一个，或者清空。"))
            return None
        if not covers(self.by, found[0]):
            self.add_error("unit_text", _("“%(name)s”不在您的职责范围内。") % {"name": found[0].name})
            return None
        return found[0]

    def report(self) -> Report:
        """What was taken down, ready to be filed. Raises BadReport."""
        said, where = self.cleaned_data, self.where()
        return Report(
            type=said["type"],
            text=said["text"],
            source=Source.PHONE,
            secrecy=said["secrecy"] or Secrecy.PUBLIC,
            urgency=said["urgency"] or "normal",
            address=said["address"],
            grid=where.grid,
            area=area_of(tree.snapshot().unit(self.by.unit_id), tree.snapshot()).code,
            name=said["name"],
            phone=said["caller"],
            client_id=said["client_id"],
            category_id=said["category_id"],
            call_ref=said["ref"],
        )


def units(ids: list[str]) -> list[Unit]:
    """Living units that can handle cases, by ids as a form sent them. At most one query."""
    wanted = [int(id) for id in ids if id.isdecimal() and len(id) < 19]
    return list(Unit.objects.filter(pk__in=wanted, died=None).exclude(kind=Kind.PARTY)) if wanted else []


def blank(data: Any, *, by: Posting, at: datetime) -> IntakeForm:
    """An empty form for the next call, or for the call that a softphone announces (`caller`, `ref`)."""
    initial = {"caller": data.get("caller", "")[:30], "ref": data.get("ref", "")[:LONGEST_REF], "client_id": uuid4()}
    return IntakeForm(initial=initial | {"type": "help", "urgency": "normal", "secrecy": Secrecy.PUBLIC}, by=by, at=at)
