"""What somebody reports, as a form. The rules of a report are the loop's own (loop/report.py); here is how it is asked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bihuan.loop import wording
from bihuan.loop.models import Secrecy, Source
from bihuan.loop.placing import BadPlace
from bihuan.loop.report import MOST_CHARACTERS, BadReport, Report
from bihuan.web.places import Where, number, understand


class Words(forms.CharField):
    """Free text. What no database holds (NUL) is dropped, as everywhere, instead of refusing the whole."""

    def to_python(self, value: Any) -> str:
        return super().to_python(value).replace("\x00", "")


def words_of_matter(label: Any, *, rows: int, hint: Any) -> Words:
    """What happened: free words that must be there, with a voice button and the count of what is left."""
    attrs = {"rows": rows, "data-voice": "", "data-count": MOST_CHARACTERS, "placeholder": hint}
    missing = {"required": gettext_lazy("请写下您要反映的事情。")}
    return Words(label=label, error_messages=missing, widget=forms.Textarea(attrs=attrs))


def private_line(label: Any, **attrs: Any) -> Words:
    """A name or a phone, if somebody wishes to leave one; the page keeps no draft of it."""
    return Words(label=label, required=False, widget=forms.TextInput(attrs={**attrs, "data-private": ""}))


class MatterForm(forms.Form):
    """A form that files a matter: it has an id of its own, and perhaps a point from the map (`lng`, `lat`)."""

    client_id = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean_client_id(self) -> UUID | None:
        """A repeated click or a lost connection sends the same id again; without one each sending is a matter of its own."""
        try:
            return UUID(self.cleaned_data["client_id"])
        except ValueError:
            return None

    @property
    def point(self) -> tuple[float | None, float | None]:
        """Both or neither."""
        lng, lat = number(self.data.get("lng")), number(self.data.get("lat"))
        return (lng, lat) if lng is not None and lat is not None else (None, None)


class PlacedForm(MatterForm):
    """A form with a place: `area` once per level chosen, a point, `address` in words."""

    blamed = {"place": "address"}

    @property
    def areas(self) -> list[str]:
        return self.data.getlist("area") if hasattr(self.data, "getlist") else []

    def where(self) -> Where:
        """The place as understood. Raises BadReport for a point outside the city."""
        lng, lat = self.point
        try:
            return understand(areas=self.areas, lng=lng, lat=lat, address=self.cleaned_data["address"])
        except BadPlace as error:
            raise BadReport("place", str(error)) from None


class ReportForm(PlacedForm):
    """What a resident is asked: what sort, what, where; and, as they wish, who they are and who may read it."""

    type = forms.ChoiceField(
        label=gettext_lazy("您想做什么"),
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("请点选一项：您想做什么。"),
            "invalid_choice": gettext_lazy("请重新点选一项：您想做什么。"),
        },
    )
    text = words_of_matter(
        gettext_lazy("什么事"), rows=5, hint=gettext_lazy("例如：小区门口的路塌了一块，晚上看不见，怕老人摔倒。")
    )
    address = Words(
        label=gettext_lazy("在哪里"),
        required=False,
        widget=forms.TextInput(
            attrs={"placeholder": gettext_lazy("小区、路口或附近的标志物"), "autocomplete": "street-address"}
        ),
    )
    name = private_line(gettext_lazy("怎么称呼您"), autocomplete="name")
    phone = private_line(gettext_lazy("手机号"), type="tel", inputmode="tel", autocomplete="tel")
    secrecy = forms.ChoiceField(
        label=gettext_lazy("谁可以知道这件事"),
        required=False,
        widget=forms.RadioSelect,
        choices=[
            (Secrecy.PUBLIC, gettext_lazy("公开")),
            (Secrecy.PRIVATE, gettext_lazy("不公开")),
            (Secrecy.SECRET, gettext_lazy("保密")),
        ],
        help_text=gettext_lazy(
            "公开：办理结果可以公布，但不含您的姓名和电话。不公开：只在办理的人之间看。保密：只有受理和承办的人能看到。"
        ),
        error_messages={"invalid_choice": gettext_lazy("请选择是否公开。")},
    )

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules, self.titles = wording.in_force(at), wording.titles("type", at)
        self.fields["type"].choices = list(self.titles.items())
        self._about = {key: word.about for key, word in rules.types.items()}

    def choices_of_type(self) -> list[dict[str, Any]]:
        """The big choices of the page: each with a word, and in Chinese with a sentence about it."""
        chosen = self["type"].value()
        told = self._about if wording.language() == "zh" else {}
        return [
            {"key": key, "title": title, "about": told.get(key, ""), "chosen": key == chosen}
            for key, title in self.titles.items()
        ]

    def clean_secrecy(self) -> str:
        return self.cleaned_data["secrecy"] or Secrecy.PUBLIC

    def report(self, photos: tuple[str, ...]) -> Report:
        """What was filled in, ready to be filed. Raises BadReport."""
        said, where = self.cleaned_data, self.where()
        return Report(
            type=said["type"],
            text=said["text"],
            source=Source.WEB,
            secrecy=said["secrecy"],
            address=said["address"],
            grid=where.grid,
            lng=where.lng,
            lat=where.lat,
            name=said["name"],
            phone=said["phone"],
            photos=photos,
            client_id=said["client_id"],
        )


def blank(at: datetime, typed: Mapping[str, Any] | None = None) -> ReportForm:
    """A form that was not judged yet: empty with an id of its own, or with what was typed so far."""
    typed = {name: value for name, value in (typed or {}).items() if name in ReportForm.base_fields}
    return ReportForm(initial={"client_id": uuid4(), "secrecy": Secrecy.PUBLIC, **typed}, at=at)


class TrackForm(forms.Form):
    """The two things a resident needs to see a matter without the link."""

    number = Words(
        label=gettext_lazy("编号"),
        max_length=60,
        error_messages={"required": gettext_lazy("请填写编号，在提交后的页面或短信里。")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    tail = Words(
        label=gettext_lazy("手机号后四位"),
        help_text=gettext_lazy("反映时留的那个手机号。"),
        error_messages={"required": gettext_lazy("请填写手机号后四位。")},
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": 4, "data-private": ""}
        ),
    )

    def clean_tail(self) -> str:
        tail = self.cleaned_data["tail"].strip()
        if len(tail) != 4 or not tail.isdecimal():
            raise forms.ValidationError(_("请填写手机号的最后四位数字。"))
        return tail
