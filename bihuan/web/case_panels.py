"""What can be done to a case, as forms: one panel for each verb, offered when the program lets this posting make the move.

A desk adds its own verbs with `register`; the case page then shows them and posts them to `/cases/<number>/<verb>/`.
Fields ask; whether an answer will do is judged by the act itself, whose refusal comes back at its field.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bihuan.loop.actions import closing, dispatching, handling, verifying
from bihuan.loop.models import Case, Task
from bihuan.loop.moves import possible, rules_of
from bihuan.loop.report import MOST_CHARACTERS
from bihuan.loop.wording import language
from bihuan.net import tree
from bihuan.net.models import Kind, Posting, Role, Unit
from bihuan.net.postings import is_same_person, standing_on
from bihuan.programs.document import Move
from bihuan.web.acting import wanting
from bihuan.web.forms_report import Words


@dataclass(frozen=True)
class Sight:
    """A case as one posting sees it, with everything a panel may need to ask."""

    case: Case
    by: Posting
    moves: tuple[Move, ...]
    tasks: tuple[Task, ...]  # every task of the case
    at: datetime

    def outcomes(self, verb: str) -> dict[str | None, Move]:
        return {move.outcome: move for move in self.moves if move.verb == verb}

    def declared(self, verb: str) -> Move:
        """The verb's move as the program has it, also where the case has gone on and it can no longer be made."""
        return next(move for move in rules_of(self.case).moves.values() if move.verb == verb)

    def owes(self, *kinds: str) -> bool:
        """Whether the posting, or its unit's queue, has an open task of these kinds in the case."""
        return any(task.kind in kinds and _is_mine(task, self.by) for task in self.tasks if task.stage == "open")

    @property
    def is_owner(self) -> bool:
        return self.case.unit_id == self.by.unit_id


def _is_mine(task: Task, by: Posting) -> bool:
    return task.posting == by.pk or (task.posting is None and task.unit_id == by.unit_id)


@dataclass(frozen=True, slots=True)
class Button:
    """A way to send a panel's form; `value` is posted as `outcome`."""

    text: str
    value: str = ""
    kind: str = "primary"
    icon: str = ""


def words_field(label: Any, *, rows: int = 3, help: Any = "", hint: Any = "") -> forms.CharField:
    """Free words with a voice button and the count of what is left."""
    attrs = {"rows": rows, "data-voice": "", "data-count": MOST_CHARACTERS, "placeholder": hint}
    return Words(label=label, required=False, help_text=help, widget=forms.Textarea(attrs=attrs))


class MoveForm(forms.Form):
    """A panel's fields. `outcome` is the button pressed, `photos` the keys that came along."""

    verb = ""  # the program's asks of this verb are marked as such
    takes_photos = False
    photo_label: Any = ""
    template = "case/_fields.html"

    def __init__(self, *args: Any, sight: Sight, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sight = sight
        self.photos: tuple[str, ...] = ()
        self.prepare()
        self.needs_photo = "photo" in self._needs()
        for name in self._needs() & self.fields.keys():
            self.fields[name].required = True
            self.fields[name].error_messages["required"] = wanting(self.fields[name])

    def prepare(self) -> None:
        """Fill choices in from the case's program and the net."""

    def _needs(self) -> set[str]:
        """What every outcome of the verb asks for; what only some ask for is left to the act."""
        if not self.verb:
            return set()
        moves = [move for move in rules_of(self.sight.case).moves.values() if move.verb == self.verb]
        return set.intersection(*(set(move.needs) for move in moves))

    @property
    def outcome(self) -> str:
        return str(self.data.get("outcome", ""))

    @property
    def text(self) -> str:
        return self.cleaned_data.get("text", "").replace("\r", "")


@dataclass(frozen=True)
class Panel:
    """How a verb is shown and done."""

    verb: str
    icon: str
    form: type[MoveForm]
    act: Callable[[Case, MoveForm, Posting, datetime], Any]
    done: Any  # what the page says afterwards
    buttons: Callable[[Sight], list[Button]]
    fits: Callable[[Sight], bool] = lambda sight: True
    title: Any = ""  # the move's own, unless several moves share the panel
    hint: Any = ""  # a sentence beside a panel without fields


_panels: dict[str, Panel] = {}


def register(*panels: Panel) -> None:
    """Make verbs known to the case page. The order of registering is the order of showing."""
    _panels.update({panel.verb: panel for panel in panels})


def panel_of(verb: str) -> Panel | None:
    return _panels.get(verb)


def sight_of(case: Case, by: Posting, tasks: Iterable[Task], at: datetime) -> Sight:
    return Sight(case, by, possible(case, by), tuple(tasks), at)


def offered(sight: Sight) -> list[Panel]:
    """The panels for what this posting may do now. No query for a case that nobody approves or verifies now."""
    verbs = {move.verb for move in sight.moves}
    return [panel for verb, panel in _panels.items() if verb in verbs and panel.fits(sight)]


def title_of(panel: Panel, sight: Sight) -> str:
    """The title of a panel in the reader's language."""
    if panel.title:
        return str(panel.title)
    move = next(iter(sight.outcomes(panel.verb).values()))
    return rules_of(sight.case).label("move", move.key, language())


def one_button(text: Any, icon: str = "") -> Callable[[Sight], list[Button]]:
    return lambda sight: [Button(str(text), icon=icon)]


# The unit's own acts


class SignForm(MoveForm):
    """Nothing to fill in."""


class HandBackForm(MoveForm):
    verb = "hand_back"
    reason = forms.ChoiceField(label=gettext_lazy("退单理由"), required=False, widget=forms.RadioSelect)
    text = words_field(
        gettext_lazy("依据和说明"),
        help=gettext_lazy("写明依据哪一条职责不归本单位，应当由谁办。派单中心会据此裁定。"),
    )

    def prepare(self) -> None:
        rules = rules_of(self.sight.case)
        move = self.sight.declared("hand_back")
        keys = rules.reasons[move.reasons or ""]
        labels = [(key, rules.label("reason", f"{move.reasons}.{key}", language())) for key in keys]
        self.fields["reason"].choices = labels  # type: ignore[attr-defined]


class ContactForm(MoveForm):
    verb = "contact"
    way = forms.ChoiceField(
        label=gettext_lazy("怎么联系的"),
        widget=forms.RadioSelect,
        initial="phone",
        error_messages={"required": gettext_lazy("请选择怎么联系的。")},
        choices=[
            ("phone", gettext_lazy("电话")),
            ("visit", gettext_lazy("上门")),
            ("none", gettext_lazy("没联系上")),
            ("other", gettext_lazy("其他")),
        ],
    )
    text = words_field(gettext_lazy("说了什么"), hint=gettext_lazy("例如：已问清漏水位置，约好今天下午两点上门。"))

    def said(self) -> str:
        """The words with how they were said before them; still nothing when nothing was written."""
        way = dict(self.fields["way"].choices).get(self.cleaned_data.get("way", ""))  # type: ignore[attr-defined]
        return f"{way}：{self.text}" if way and self.text.strip() else self.text


class HandDownForm(MoveForm):
    to = forms.ChoiceField(
        label=gettext_lazy("交给谁办"),
        help_text=gettext_lazy("交办以后，本单位仍然是主办，答复由本单位写。"),
        error_messages={"required": gettext_lazy("请选择交给谁办。")},
    )
    text = words_field(gettext_lazy("要求"), hint=gettext_lazy("例如：请今天到现场看看，拍照反馈。"))

    def prepare(self) -> None:
        self.fields["to"].choices = hands_below(self.sight)  # type: ignore[attr-defined]

    def chosen(self) -> tuple[Unit, Posting | None]:
        unit, _colon, worker = self.cleaned_data["to"].partition(":")
        posting = Posting.objects.get(pk=int(worker)) if worker else None
        return Unit.objects.get(pk=int(unit)), posting


# Who does work that is handed down, in the order in which they are offered.
HANDS = (Role.HANDLER, Role.CHIEF, Role.GRID_WORKER)


def hands_below(sight: Sight) -> list[tuple[str, Any]]:
    """Units below with people in them, and their grid workers; the place of the matter first. One query."""
    under = _below(sight.by.unit)
    held = Posting.objects.filter(standing_on(localdate(sight.at)), unit__in=under, role__in=HANDS)
    people: dict[int, list[Posting]] = {}
    for posting in held.select_related("person").order_by("id"):
        people.setdefault(posting.unit_id, []).append(posting)
    near = _path_of(sight.case)
    net = tree.snapshot()
    peopled = sorted((net.unit(id) for id in people), key=lambda unit: (unit.id not in near, unit.code))
    return [("", _("请选择")), *(option for unit in peopled for option in _hands(unit, people[unit.id], near))]


def _below(unit: Unit) -> set[int]:
    """Every unit to which this one may hand work down: as `handling.is_below` judges, without asking it of all."""
    net = tree.snapshot()
    area = net.unit(unit.pk).at_level(min(unit.level, 5)) if unit.level >= 4 else None
    return {id for top in (unit.pk, area) if top for id in net.below(top)} - {unit.pk, area}


def _path_of(case: Case) -> tuple[int, ...]:
    place = case.grid_id or case.l5 or case.l4
    return tree.snapshot().unit(place).path if place else ()


def _hands(unit: Any, people: list[Posting], near: tuple[int, ...]) -> list[tuple[str, str]]:
    here = _("（事发地）") if unit.id in near and unit.kind == Kind.GRID else ""
    workers = [one for one in people if one.role == Role.GRID_WORKER]
    whole = (str(unit.id), f"{unit.name}{here}")
    return [whole, *((f"{unit.id}:{one.pk}", f"{unit.name}{here} · {one.person.name}") for one in workers)]


class AssistForm(MoveForm):
    verb = "assist"
    takes_photos = True
    photo_label = gettext_lazy("现场照片")
    text = words_field(gettext_lazy("办了什么"), hint=gettext_lazy("例如：已到现场清运完毕，并与住户说明。"))


# Words by which a reply is checked while it is written. They only hint: the chief and the resident judge.
DONE_WORDS = "完成 修复 修好 更换 清理 清运 整改 拆除 安装 疏通 维修 补种 责令 处罚 上门 到现场 联系 解释 安排"
EMPTY_WORDS = "已收悉 已知悉 已阅 已转办 已转交 正在处理 尽快处理 会尽快 高度重视 感谢您的关注 进一步核实"
SHORTEST = 20  # characters under which a reply hardly says what was done


class ReplyForm(MoveForm):
    verb = "reply"
    takes_photos = True
    photo_label = gettext_lazy("办理后的照片")
    template = "case/_reply_fields.html"
    result = forms.ChoiceField(label=gettext_lazy("办理结果"), required=False, widget=forms.RadioSelect)
    text = words_field(
        gettext_lazy("答复内容"),
        rows=6,
        hint=gettext_lazy("先说结果，再说做了什么、依据是什么、以后怎样。这段话群众会看到。"),
    )
    done_words, empty_words, shortest = DONE_WORDS, EMPTY_WORDS, SHORTEST

    def prepare(self) -> None:
        rules = rules_of(self.sight.case)
        keys = self.sight.declared("reply").results
        self.fields["result"].choices = [(key, rules.label("result", key, language())) for key in keys]  # type: ignore[attr-defined]


class ApproveForm(MoveForm):
    text = words_field(gettext_lazy("审核意见"), rows=2, help=gettext_lazy("退回修改时必填：写明哪里要改。"))


class VerifyForm(MoveForm):
    verb = "verify"
    takes_photos = True
    photo_label = gettext_lazy("现场照片")
    text = words_field(gettext_lazy("看到的情况"), help=gettext_lazy("没办好的，写明哪里没办好。"))


class UrgeForm(MoveForm):
    text = words_field(gettext_lazy("催办意见"), rows=2)


def _approve_buttons(sight: Sight) -> list[Button]:
    return [
        Button(_("审核通过"), "pass", "primary", "rubber-stamp"),
        Button(_("退回修改"), "send_back", "danger", "arrow-back-up"),
    ]


def _verify_buttons(sight: Sight) -> list[Button]:
    return [
        Button(_("核查通过"), "pass", "primary", "circle-check"),
        Button(_("没办好"), "fail", "danger", "circle-x"),
    ]


def _may_verify(sight: Sight) -> bool:
    """Who was asked to look, any grid worker of the place, or those above - and never who handled it (L3)."""
    asked = sight.owes(Task.Kind.VERIFY) or sight.by.role in (Role.GRID_WORKER, Role.SUPERVISOR, Role.LEADER)
    return asked and sight.by.person_id not in verifying.handled_by(sight.case)


def _hand_down(case: Case, form: Any, by: Posting, at: datetime) -> None:
    unit, worker = form.chosen()
    handling.hand_down(case, to=unit, worker=worker, note=form.text.strip(), by=by, at=at)


register(
    Panel(
        "sign",
        "inbox",
        SignForm,
        lambda case, form, by, at: dispatching.sign(case, by=by, at=at),
        gettext_lazy("已签收。请在时限内先联系反映人。"),
        one_button(gettext_lazy("签收"), "inbox"),
        lambda sight: sight.is_owner,
        hint=gettext_lazy("签收就是接下这件事。签收后，请在联系时限内先联系反映人。"),
    ),
    Panel(
        "contact",
        "phone-outgoing",
        ContactForm,
        lambda case, form, by, at: handling.contact(case, text=form.said(), by=by, at=at),  # type: ignore[attr-defined]
        gettext_lazy("联系情况已记下，现在可以办理了。"),
        one_button(gettext_lazy("记下联系情况"), "phone-outgoing"),
        lambda sight: sight.is_owner,
    ),
    Panel(
        "assist",
        "git-merge",
        AssistForm,
        lambda case, form, by, at: handling.assist(case, text=form.text, pictures=form.photos, by=by, at=at),
        gettext_lazy("已反馈给主办单位。"),
        one_button(gettext_lazy("我这部分办完了"), "check"),
        lambda sight: sight.owes(Task.Kind.ASSIST, Task.Kind.HAND),
        gettext_lazy("反馈我这部分"),
    ),
    Panel(
        "reply",
        "writing",
        ReplyForm,
        lambda case, form, by, at: handling.reply(
            case, result=form.cleaned_data["result"], text=form.text, pictures=form.photos, by=by, at=at
        ),
        gettext_lazy("答复已提交，等负责人审核后群众就能看到。"),
        one_button(gettext_lazy("提交审核"), "send"),
        lambda sight: sight.is_owner,
    ),
    Panel(
        "approve",
        "rubber-stamp",
        ApproveForm,
        lambda case, form, by, at: handling.approve(
            case, passed=form.outcome == "pass", text=form.text.strip(), by=by, at=at
        ),
        gettext_lazy("审核意见已生效。"),
        _approve_buttons,
        lambda sight: sight.is_owner and not is_same_person(sight.by, sight.case.handler),
        gettext_lazy("审核答复"),
    ),
    Panel(
        "verify",
        "shield-check",
        VerifyForm,
        lambda case, form, by, at: verifying.verify(
            case, passed=form.outcome == "pass", text=form.text.strip(), pictures=form.photos, by=by, at=at
        ),
        gettext_lazy("核查结果已记下，谢谢。"),
        _verify_buttons,
        _may_verify,
        gettext_lazy("现场核查"),
    ),
    Panel(
        "hand_down",
        "sitemap",
        HandDownForm,
        _hand_down,
        gettext_lazy("已交办，对方的任务里能看到。"),
        one_button(gettext_lazy("交办"), "send"),
        lambda sight: sight.is_owner,
    ),
    Panel(
        "hand_back",
        "arrow-back-up",
        HandBackForm,
        lambda case, form, by, at: dispatching.hand_back(
            case, reason=form.cleaned_data["reason"], text=form.text, by=by, at=at
        ),
        gettext_lazy("退单已提交，等派单中心裁定。"),
        one_button(gettext_lazy("提交退单"), "arrow-back-up"),
        lambda sight: sight.is_owner,
    ),
    Panel(
        "urge",
        "speakerphone",
        UrgeForm,
        lambda case, form, by, at: closing.urge(case, text=form.text.strip(), by=by, at=at),
        gettext_lazy("已催办，承办单位会马上看到。"),
        one_button(gettext_lazy("催办"), "speakerphone"),
    ),
)
