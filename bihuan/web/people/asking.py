"""The questions of a ladder as a form: drawn from the document, answered once, with what is known already beside them."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from bihuan.dossier import questions
from bihuan.dossier.facts import Answer
from bihuan.dossier.models import Question, Source
from bihuan.dossier.questions import BadAnswer
from bihuan.lib.codes import BadResidentId, birth_of, is_male, parse_resident_id
from bihuan.loop.wording import language
from bihuan.programs.ladder import Ask, LadderProgram

MOST_CHOICES = 4  # as radios; more are a list
BIRTH, GENDER = "person.birth", "person.gender"


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True
    template_name = "django/forms/widgets/file.html"


def question_of(rules: LadderProgram, ask: Ask) -> Question:
    """An ask as the dossier reads and shows its answers, in the reader's language. Not stored."""
    choice = [[key, rules.label("choice", f"{ask.key}.{key}", language())] for key in ask.choices]
    title = rules.label("ask", ask.key, language())
    return Question(key=ask.use, type=ask.type, title=title, unit=ask.unit, choice=choice, personal=ask.personal)


def shown(rules: LadderProgram, ask: Ask, value: Any) -> str:
    return questions.shown(question_of(rules, ask), value)


def counts(ask: Ask, source: str) -> bool:
    """Whether the word of this source is taken as an answer."""
    return not ask.source or source in ask.source


def sources(ask: Ask) -> str:
    """Whose word counts: 村（社区）、乡镇（街道）."""
    return "、".join(str(Source(one).label) for one in ask.source)


class AskForm(forms.Form):
    """Asks of a program. What others have to say is listed in `lacking`; what is known need not be said again.

    `given` after is_valid(): answers by ask, only those that were filled in.   `photos`: pages by ask of kind paper.
    `by_number`: what an identity number says, by question.
    """

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        rules: LadderProgram,
        asks: Iterable[str],
        source: str,
        known: Mapping[str, Answer] | None = None,
        auto_id: str = "id_%s",
    ) -> None:
        super().__init__(data, files, auto_id=auto_id)
        self.rules, self.source, self.known = rules, source, known or {}
        self.given: dict[str, Any] = {}
        self.photos: dict[str, list[Any]] = {}
        self.lacking: list[dict[str, str]] = []
        self.by_number: dict[str, str] = {}
        self.asked = [rules.asks[key] for key in asks]
        for ask in self.asked:
            self._add(ask)

    def _add(self, ask: Ask) -> None:
        if counts(ask, self.source):
            self.fields[name_of(ask)] = self._field(ask)
        elif not self._has(ask) and not ask.optional:
            title = self.rules.label("ask", ask.key, language())
            self.lacking.append({"key": ask.key, "title": title, "who": sources(ask)})

    def _has(self, ask: Ask) -> bool:
        answer = self.known.get(ask.key)
        return answer is not None and answer.fresh

    def _field(self, ask: Ask) -> forms.Field:
        field = _drawn(ask, question_of(self.rules, ask))
        field.label = self.rules.label("ask", ask.key, language()) + (f"（{ask.unit}）" if ask.unit else "")
        field.required = not ask.optional and not self._has(ask)
        field.help_text = self._known_words(ask) or ask.about
        field.error_messages["required"] = _("请填写“%(title)s”。") % {"title": field.label}
        field.widget.is_required = field.required
        return field

    def _known_words(self, ask: Ask) -> str:
        answer = self.known.get(ask.key)
        if answer is None:
            return ""
        told = {"value": shown(self.rules, ask, answer.value), "source": Source(answer.source).label}
        if not answer.fresh:
            return _("以前是 %(value)s（%(source)s），已过期，请重新填写。") % told
        return _("已有：%(value)s（%(source)s）。没有变化不用填。") % told

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for ask in self.asked:
            if name_of(ask) in self.fields:
                self._read(ask, cleaned.get(name_of(ask)))
        return cleaned

    def _read(self, ask: Ask, said: Any) -> None:
        if ask.type == "paper":
            pages = self.files.getlist(name_of(ask)) if self.files else []
            if pages:
                self.photos[ask.key] = pages
            return
        try:
            value = questions.value_of(question_of(self.rules, ask), said)
        except BadAnswer as error:
            self.add_error(name_of(ask), str(error))
            return
        if value is not None:
            self.given[ask.key] = value

    def take_from_identity(self, identity: str) -> None:
        """Birth and gender need not be asked of whom an identity number is known; call before is_valid()."""
        try:
            number = parse_resident_id(identity)
        except BadResidentId:
            return
        told = {BIRTH: birth_of(number).isoformat(), GENDER: "male" if is_male(number) else "female"}
        for ask in self.asked:
            if ask.use in told and counts(ask, Source.REGISTER):
                self._need_not(ask)
                self.by_number[ask.use] = told[ask.use]

    def _need_not(self, ask: Ask) -> None:
        if name_of(ask) in self.fields:
            self.fields[name_of(ask)].required = False
        self.lacking = [one for one in self.lacking if one["key"] != ask.key]


def name_of(ask: Ask) -> str:
    return f"a_{ask.key}"


def _drawn(ask: Ask, question: Question) -> forms.Field:
    match ask.type:
        case "choice":
            return _choice(list(question.choices.items()))
        case "flag":
            return _choice([("yes", _("是")), ("no", _("否"))])
        case "date":
            return forms.CharField(widget=forms.TextInput(attrs={"type": "date", "max": f"{date.max.year}-12-31"}))
        case "paper":
            return forms.FileField(widget=ManyFiles(attrs={"accept": "image/*", "multiple": True}))
        case "number" | "money":
            return forms.CharField(max_length=40, widget=forms.TextInput(attrs={"inputmode": "decimal"}))
    return forms.CharField(max_length=questions.LONGEST, widget=forms.TextInput())


def _choice(pairs: list[tuple[str, str]]) -> forms.Field:
    if len(pairs) <= MOST_CHOICES:
        return forms.ChoiceField(choices=pairs, widget=forms.RadioSelect)
    return forms.ChoiceField(choices=[("", _("请选择")), *pairs])
