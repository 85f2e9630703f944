"""The sheet of trainees: who they are, what is known of them, on which stage they stand and who is answerable.

Rows go through a few thousand at a time: places and leaders are looked up in memory, who is known already in one query,
and what is new is written by COPY. The same sheet again changes nothing.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from hashlib import sha256
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.book.journal import SYSTEM, who
from bihuan.dossier import facts, questions, subjects, vault
from bihuan.dossier.models import Fact, Kin, Question, Source, Subject
from bihuan.ladder import rooms
from bihuan.ladder.actions.duties import LEADERS
from bihuan.ladder.history import Past, enter_all
from bihuan.ladder.models import Standing
from bihuan.lib.codes import BadPhone, BadResidentId, birth_of, is_male, normal_phone, parse_resident_id
from bihuan.lib.ids import new_id
from bihuan.loop.history import collector_at_rest
from bihuan.net.imports import columns
from bihuan.net.imports.columns import BadCell, Column, Problem, Row, merged_problems, read_rows
from bihuan.net.imports.copying import copy_rows
from bihuan.net.imports.registry import File, Given, Option, Outcome, importer
from bihuan.net.imports.sheets import BadSheet, Sheet, title_key
from bihuan.net.models import Level, Posting
from bihuan.net.postings import standing_on
from bihuan.net.tree import Net, NoSuchUnit, UnitRow, snapshot
from bihuan.programs import versions
from bihuan.programs.ladder import LadderProgram, Stage
from bihuan.programs.models import Program

BATCH = 2000
GENDERS = {"male": ("男",), "female": ("女",)}
BIRTH, GENDER = "person.birth", "person.gender"
# Other words for questions of the shared bank, as sheets in use have them.
ALSO = {
    "person.party_member": ("党员", "是否党员", "政治面貌"),
    "person.party_since": ("入党时间", "入党日期"),
    "person.education": ("文化程度", "学历"),
    "trade.name": ("产业", "从事产业", "产业项目", "主导产业"),
    "trade.scale": ("产业规模", "规模"),
    "household.annual_output": ("年产值", "产值"),
    "household.annual_income": ("家庭年收入", "年收入"),
    "household.land": ("经营土地面积", "经营面积"),
    "household.helped": ("带动农户", "带动户数"),
    "post.name": ("现任职务", "职务"),
    "training.direction": ("培养方向",),
}


# Cells


def identity(cell: Any) -> str:
    """A resident identity number; one that a spreadsheet took for a number has lost its last digits."""
    if isinstance(cell, float | int) and not isinstance(cell, bool) and abs(cell) >= 1e15:
        raise BadCell(_("身份证号码被当成了数，末几位已丢失，请把这一列设为文本格式后重新填写"))
    try:
        return parse_resident_id(columns.plain(cell).lstrip("'"))
    except BadResidentId as error:
        raise BadCell(str(error)) from None


def phone(cell: Any) -> str:
    try:
        return normal_phone(columns.plain(cell))
    except BadPhone as error:
        raise BadCell(str(error)) from None


_MONTH = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?|(\d{4})(\d{2})")


def day_or_month(cell: Any) -> date:
    """A day, or a month (1985.06, 1985年6月, 198506), which means its first day."""
    if isinstance(cell, float) and not cell.is_integer():
        if len(f"{cell:.2f}".rstrip("0").partition(".")[2]) < 2:  # 1990.10 and 1990.1 are one number
            raise BadCell(_("分不清是1月还是10月，请写成 1990-01 的样子"))
        cell = f"{cell:.2f}"
    said = unicodedata.normalize("NFKC", columns.plain(cell))
    found = _MONTH.fullmatch(said)
    if not found or isinstance(cell, date):
        return columns.day(cell)
    try:
        return date(int(found[1] or found[3]), int(found[2] or found[4]), 1)
    except ValueError:
        raise BadCell(_("没有这个月份")) from None


PERSON = (
    Column("name", ("姓名", "培养对象", "name"), columns.text(80), required=True),
    Column("gender", ("性别", "gender"), columns.choice(GENDERS)),
    Column("born_on", ("出生年月", "出生日期", "生日", "born"), day_or_month),
    Column("identity", ("身份证号", "身份证号码", "身份证", "公民身份号码", "identity"), identity),
    Column("phone", ("手机", "手机号", "手机号码", "联系电话", "电话", "联系方式", "phone"), phone),
    Column("code", ("村代码", "区划代码", "单位代码", "code"), columns.code),
    Column("county", ("县区", "县", "区县", "县（市、区）", "county"), columns.text(40)),
    Column("town", ("乡镇", "乡镇街道", "街道", "town"), columns.text(40)),
    Column("village", ("村", "所在村", "村社区", "社区", "village"), columns.text(40)),
    Column("stage", ("培养层次", "阶段", "培养阶段", "层次", "stage"), columns.text(40)),
    Column("since", ("入库时间", "入库日期", "进入时间", "since"), day_or_month),
    Column("leader", ("包保领导", "包保责任人", "联系领导", "leader"), columns.text(40)),
)


# The import


@importer(
    "trainees",
    rank=60,
    title=_noop("培养对象"),
    help=_noop(
        "培养对象台账：村写名称（同名的再写乡镇、县区）或代码；有身份证号的按身份证号认人，没有的按姓名、村和手机认。"
        "方案里问到的其他内容，列名写成问题的名称就会一并导入。再次导入同一张表不会重复。"
    ),
    columns=(
        (_noop("姓名"), _noop("王富强"), True),
        (_noop("性别"), _noop("男 或 女；有身份证号的可以不填"), False),
        (_noop("出生年月"), "1985-06", False),
        (_noop("身份证号"), _noop("18 位，设为文本格式"), False),
        (_noop("手机"), "13800001234", False),
        (_noop("乡镇"), _noop("后安镇"), False),
        (_noop("村"), _noop("四道河村；或在“村代码”一列写代码"), True),
        (_noop("党员"), _noop("是、否，或政治面貌"), False),
        (_noop("文化程度"), _noop("小学、初中、高中、大专、本科、研究生"), False),
        (_noop("产业"), _noop("食用菌种植"), False),
        (_noop("年产值"), _noop("元；写明的从其单位，如 30万、列名“年产值（万元）”"), False),
        (_noop("现任职务"), _noop("村委会委员"), False),
        (_noop("培养方向"), _noop("如 党员培养成致富能手"), False),
        (_noop("培养层次"), _noop("方案里的阶段名称；不填的只登记"), False),
        (_noop("入库时间"), "2023-03", False),
        (_noop("包保领导"), _noop("姓名；先在“人员与岗位”里登记"), False),
    ),
    options=(
        Option("program", _noop("方案"), _noop("方案的代号；只有一个培养方案时不用填。")),
        Option("stage", _noop("没填层次的进入"), _noop("阶段名称；不填的只登记，不进入培养。")),
        Option(
            "source",
            _noop("谁核实的"),
            _noop("表里的内容算谁的话：方案可能只认某一级的。"),
            default="county",
            choices=tuple((value, str(label)) for value, label in Source.choices),
        ),
        Option("as-of", _noop("数据截止日期"), _noop("如 2026-06-30；不填算导入当天。")),
    ),
    example=(
        "王富强",
        "男",
        "1985-06",
        "",
        "13800001234",
        "后安镇",
        "四道河村",
        "是",
        "高中",
        "食用菌种植",
        "30万",
        "村委会委员",
        "党员培养成致富能手",
        "初级",
        "2023-03",
        "",
    ),
)
def import_trainees(file: File, given: Given) -> Outcome:
    """People with their facts, and where they stand in a ladder. Wrong rows are told, right ones imported."""
    taking = _taking(given)
    sheet = Sheet.read(file.content, file.name, known=[title for column in taking.columns for title in column.titles])
    reading = read_rows(sheet, _with_units(sheet, taking.columns))
    _alone()
    outcome = Outcome(rows=len(sheet), problems=reading.problems)
    with collector_at_rest():
        for done in range(0, len(reading.rows), BATCH):
            _Batch(taking, outcome).run(reading.rows[done : done + BATCH])
            given.tell(min(done + BATCH, len(reading.rows)), len(reading.rows))
    outcome.problems = merged_problems(outcome.problems)
    outcome.notes = merged_problems(outcome.notes)
    outcome.samples = [(row["name"], row["village"] or row["code"] or "") for row in reading.rows[:8]]
    return outcome


def _alone() -> None:
    """One such import at a time: two would both find somebody missing."""
    key = int.from_bytes(sha256(b"import trainees").digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s::bigint)", [key])


@dataclass
class _Taking:
    """What holds for every row of a run."""

    given: Given
    program: str
    rules: LadderProgram
    source: str
    on: date
    as_of: date | None
    default_stage: Stage | None
    questions: dict[str, Question]
    columns: tuple[Column, ...]
    places: "_Places"
    leaders: "_Leaders"
    stages: dict[str, Stage]
    seen: dict[Any, int] = field(default_factory=dict)  # who stood in which row of this sheet
    places_left: dict[tuple[str, int], int] = field(default_factory=dict)  # of capped stages, by stage and area

    def rules_at(self, unit: int) -> LadderProgram:
        """With the terms of the unit's own version, where it has one."""
        rules: LadderProgram = versions.rules(versions.in_force(self.program, self.given.at, unit).pk)
        return rules


def _taking(given: Given) -> _Taking:
    rules = _rules(str(given.options.get("program") or "").strip(), given.at)
    questions.ensure(rules)
    asked = questions.known({*questions.bank(), *(ask.use for ask in rules.asks.values())})
    stages = _stage_words(rules)
    wanted = str(given.options.get("stage") or "").strip()
    if wanted and wanted not in stages:
        raise BadSheet(_no_stage(wanted, rules))
    as_of = _as_of(str(given.options.get("as-of") or given.options.get("as_of") or "").strip(), given.at)
    return _Taking(
        given=given,
        program=rules.key,
        rules=rules,
        source=str(given.options.get("source") or "county"),
        on=as_of or timezone.localdate(given.at),
        as_of=as_of,
        default_stage=stages.get(wanted),
        questions=asked,
        columns=(*PERSON, *_question_columns(asked, rules)),
        places=_Places(snapshot()),
        leaders=_Leaders(timezone.localdate(given.at)),
        stages=stages,
    )


def _rules(key: str, at: datetime) -> LadderProgram:
    """The ladder that is meant: the one named, or the only one there is for people."""
    about = {rules.key: rules for rules in _ladders(at) if rules.about == "person"}
    if key:
        if key not in about:
            raise BadSheet(_("没有代号为“%(key)s”的培养方案；有：%(keys)s。") % _named(key, about))
        return about[key]
    if len(about) != 1:
        raise BadSheet(_("请写明方案的代号（program）；有：%(keys)s。") % _named(key, about))
    return next(iter(about.values()))


def _ladders(at: datetime) -> Iterator[LadderProgram]:
    for name in Program.objects.filter(kind="ladder").order_by("key").values_list("key", flat=True):
        with suppress(versions.NoVersion):
            yield versions.rules(versions.in_force(name, at).pk)


def _named(key: str, programs: Iterable[str]) -> dict[str, str]:
    return {"key": key, "keys": "、".join(programs) or _("没有")}


def _as_of(said: str, at: datetime) -> date | None:
    if not said:
        return None
    try:
        day = columns.day(said)
    except BadCell as error:
        raise BadSheet(_("数据截止日期不对：%(why)s。") % {"why": error}) from None
    if day > timezone.localdate(at):
        raise BadSheet(_("数据截止日期在今天以后。"))
    return day


def _stage_words(rules: LadderProgram) -> dict[str, Stage]:
    """Stages by what people write: the key, the title, and a beginning that only one title has (初级 for 初级培养)."""
    words: dict[str, Stage] = {}
    for stage in rules.stages.values():
        others = [other.title for other in rules.stages.values() if other is not stage]
        starts = (stage.title[:n] for n in range(2, len(stage.title)))
        own = [start for start in starts if not any(title.startswith(start) for title in others)]
        words |= dict.fromkeys([stage.key, stage.title, *own], stage)
    return words


def _no_stage(said: str, rules: LadderProgram) -> str:
    titles = "、".join(stage.title for stage in rules.stages.values())
    return _("方案里没有“%(stage)s”这个阶段，有：%(titles)s") % {"stage": said, "titles": titles}


def _question_columns(asked: Mapping[str, Question], rules: LadderProgram) -> Iterator[Column]:
    """A column for every question, under its title, the program's own words for it, and other usual ones."""
    told: dict[str, list[str]] = {}
    for ask in rules.asks.values():  # first: its own words mean its own questions
        told.setdefault(ask.use, []).append(ask.title)
    for key in sorted(asked):
        told.setdefault(key, []).extend((*ALSO.get(key, ()), asked[key].title))
    taken = {title_key(title) for column in PERSON for title in column.titles}
    for key, titles in told.items():
        free = tuple(dict.fromkeys(title for title in titles if title_key(title) not in taken))
        if free and asked[key].type != Question.Type.PAPER and key not in (BIRTH, GENDER):
            taken |= set(map(title_key, free))
            yield Column(f"?{key}", free, _reader(asked[key]))


def _reader(question: Question) -> Callable[[Any], Any]:
    def read(cell: Any) -> Any:
        try:
            return questions.value_of(question, cell if isinstance(cell, date) else columns.plain(cell))
        except questions.BadAnswer as error:
            raise BadCell(str(error).rstrip("。")) from None

    return read


_TIMES = {"万元": 10_000, "亿元": 100_000_000, "千元": 1000}


def _with_units(sheet: Sheet, wanted: Sequence[Column]) -> list[Column]:
    """年产值（万元） counts in ten thousands: the unit stands in the title, where comparing titles does not see it."""
    units = {
        title_key(title): times for title in sheet.header for word, times in _TIMES.items() if word in title
    }  # fmt: skip
    if not units:
        return list(wanted)
    return [_times(column, units) for column in wanted]


def _times(column: Column, units: Mapping[str, int]) -> Column:
    times = next((units[title_key(title)] for title in column.titles if title_key(title) in units), 1)
    if times == 1 or not column.key.startswith("?"):
        return column

    def read(cell: Any) -> Any:
        value = column.read(cell)
        plain = unicodedata.normalize("NFKC", columns.plain(cell))
        return value if re.search("[万亿千元]", plain) else round(value * times, 2)

    return Column(column.key, column.titles, read, column.required)


# Places and leaders


_ENDINGS = re.compile(
    r"(?<=..)(村民委员会|居民委员会|村委会|居委会|社区|村|街道办事处|街道|镇|乡|满族自治县|县|区|市)$"
)


def _stem(name: str) -> str:
    """四道河 for 四道河村, 四道河村民委员会 or 四道河村委会."""
    while (shorter := _ENDINGS.sub("", name)) != name:
        name = shorter
    return name


class _Places:
    """Villages, communities and towns by the names people write, in memory."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self._named: dict[tuple[int, str], list[UnitRow]] = {}
        for unit in net:
            if unit.is_place and unit.level in (Level.TOWN, Level.COMMUNITY):
                for name in {unit.name, unit.short, _stem(unit.name)} - {""}:
                    self._named.setdefault((unit.level, name), []).append(unit)
        self._found: dict[tuple[str | None, ...], int | BadCell] = {}

    def find(self, row: Row) -> int:
        """The unit a row belongs to. Raises BadCell."""
        key = (row["code"], row["county"], row["town"], row["village"])
        if key not in self._found:
            try:
                self._found[key] = self._find(*key)
            except BadCell as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, BadCell):
            raise found
        return found

    def _find(self, code: str | None, county: str | None, town: str | None, village: str | None) -> int:
        if code:
            return self._coded(code)
        if not village and not town:
            raise BadCell(_("请写村（社区）的名称，或村代码"))
        level = Level.COMMUNITY if village else Level.TOWN
        name, above = (village, [town, county]) if village else (town, [county])
        found = self._called(level, str(name))
        inside = [unit for unit in found if all(self._lies_in(unit, area) for area in above if area)]
        if not inside:
            raise BadCell(_("没有找到这个地方，请核对名称，或在“村代码”一列写代码"))
        if len(inside) > 1:
            raise BadCell(_("有 %(n)d 个地方叫这个名字，请写上乡镇和县区") % {"n": len(inside)})
        return inside[0].id

    def _coded(self, code: str) -> int:
        try:
            unit = self.net.by_code(code)
        except NoSuchUnit as error:
            raise BadCell(str(error).rstrip("。")) from None
        if unit.died or not unit.is_place:
            raise BadCell(_("这个代码不是村（社区）或乡镇"))
        return unit.id

    def _called(self, level: Any, name: str) -> list[UnitRow]:
        """Those of this very name, else those that share its stem."""
        return self._named.get((level, name)) or self._named.get((level, _stem(name)), [])

    def _lies_in(self, unit: UnitRow, area: str) -> bool:
        above = (self.net.unit(id) for id in unit.path[:-1])
        return any(area in (one.name, one.short) or _stem(area) == _stem(one.name) for one in above)


class _Leaders:
    """Who can be answerable, by name: leaders of a city, a county or a town."""

    def __init__(self, on: date) -> None:
        self._named: dict[str, list[Posting]] = {}
        held = Posting.objects.filter(
            standing_on(on), unit__died=None, role__in=LEADERS, unit__level__in=(Level.CITY, Level.COUNTY, Level.TOWN)
        )
        for posting in held.select_related("person", "unit"):
            self._named.setdefault(posting.person.name, []).append(posting)

    def find(self, name: str, place: UnitRow) -> Posting | None:
        """The one of this name who stands above a place, a leader before others, the nearest first."""
        above = [one for one in self._named.get(name, []) if _area(one) in place.path]
        above.sort(key=lambda one: (one.role != "leader", -one.unit.level, one.pk))
        people = {one.person_id for one in above}
        return above[0] if len(people) == 1 else None


def _area(posting: Posting) -> int | None:
    """The area of the unit: itself, or for an office the deepest area it stands in."""
    unit = posting.unit
    return next((id for id in (unit.l5, unit.l4, unit.l3, unit.l2, unit.l1) if id is not None), None)


# A batch


@dataclass(slots=True)
class _Person:
    """A row that has found its place, and who it is: known already (`subject`), or new."""

    row: Row
    unit: int
    subject: Subject | None = None
    stage: Stage | None = None
    new: bool = False
    changed: bool = False

    @property
    def phone_index(self) -> bytes | None:
        return vault.phone_index(self.row["phone"]) if self.row["phone"] else None


_SUBJECT = (
    "id", "no", "kind", "name", "pinyin", "gender", "born_on", "unit_id", "l1", "l2", "l3", "l4", "l5",
    "phone_sealed", "phone_index", "tail_index", "phone_mask", "identity_sealed", "identity_index", "identity_mask",
    "made_at",
)  # fmt: skip
_FACT = ("id", "subject_id", "question", "value", "sealed", "source", "grade", "since", "made_at", "by")


class _Batch:
    """Some thousand rows: found, told apart, written."""

    def __init__(self, taking: _Taking, outcome: Outcome) -> None:
        self.t, self.outcome = taking, outcome
        self.at, self.by = taking.given.at, taking.given.by
        self.facts: list[tuple[Any, ...]] = []

    def run(self, rows: Sequence[Row]) -> None:
        people = [person for row in rows if (person := self._placed(row))]
        people = [person for person in people if self._is_first(person)]
        self._recognise(people)
        known = [person for person in people if person.subject is not None]
        people = [*(one for one in known if self._brought_up_to_date(one)), *self._registered(people)]
        self._tell(people)
        self._enter(people)
        for person in people:
            self.outcome.created += person.new
            self.outcome.changed += person.changed and not person.new
            self.outcome.same += not (person.changed or person.new)
            if person.new or person.changed:
                self.outcome.touched.add(person.row.number)

    def _placed(self, row: Row) -> _Person | None:
        try:
            unit = self.t.places.find(row)
        except BadCell as error:
            self._problem(row, _("村"), row["code"] or f"{row['town'] or ''}{row['village'] or ''}", str(error))
            return None
        stage = self.t.stages.get(row["stage"]) if row["stage"] else self.t.default_stage
        if row["stage"] and stage is None:
            self._problem(row, _("培养层次"), row["stage"], _no_stage(row["stage"], self.t.rules))
            return None
        if row["since"] and row["since"] > timezone.localdate(self.at):
            self._problem(row, _("入库时间"), row["since"].isoformat(), _("在今天以后"))
            return None
        return _Person(row, unit, stage=stage)

    def _is_first(self, person: _Person) -> bool:
        """Whether nobody earlier in the sheet is the same."""
        row = person.row
        keys = [("identity", row["identity"])] if row["identity"] else [(row["name"], person.unit, row["phone"])]
        for key in keys:
            earlier = self.t.seen.setdefault(key, row.number)
            if earlier != row.number:
                self._problem(row, _("姓名"), row["name"], _("与第 %(row)d 行是同一个人") % {"row": earlier})
                return False
        return True

    def _problem(self, row: Row, column: str, value: str, says: str) -> None:
        self.outcome.problems.append(Problem(row.number, column, value, says))

    def _note(self, row: Row, column: str, value: str, says: str) -> None:
        self.outcome.notes.append(Problem(row.number, column, value, says))

    # Who is known

    def _recognise(self, people: list[_Person]) -> None:
        """By the identity number; without one, or where it is not on file yet, by name, place and phone. Two queries."""
        by_identity = subjects.by_identity(row["identity"] for row in (one.row for one in people) if row["identity"])
        here: dict[tuple[str, int], list[Subject]] = {}
        names, units = {one.row["name"] for one in people}, {one.unit for one in people}
        for subject in Subject.objects.filter(name__in=names, unit_id__in=units, kind="person", erased_at=None):
            here.setdefault((subject.name, subject.unit_id), []).append(subject)
        for person in people:
            found = by_identity.get(person.row["identity"])
            person.subject = found or _same_name(person, here.get((person.row["name"], person.unit), []))

    def _brought_up_to_date(self, person: _Person) -> bool:
        """Another phone, an identity number that was missing, another village. False: the row is refused."""
        row, subject = person.row, person.subject
        assert subject is not None
        if subject.name != row["name"]:
            says = _("这个身份证号登记的是另一个姓名（%(name)s）") % {"name": vault.mask_name(subject.name)}
            self._problem(row, _("姓名"), row["name"], says)
            return False
        wanted: dict[str, Any] = {}
        if row["phone"] and bytes(subject.phone_index or b"") != person.phone_index:
            wanted["phone"] = row["phone"]
        if row["identity"] and subject.identity_index is None:
            wanted["identity"] = row["identity"]
        if subject.unit_id != person.unit:
            wanted["unit"] = person.unit
        try:
            if wanted:
                subjects.change(subject, **wanted)
        except subjects.BadSubject as error:
            self._problem(row, _("身份证号"), row["name"], str(error).rstrip("。"))
            return False
        person.changed = bool(wanted)
        return True

    def _registered(self, people: list[_Person]) -> list[_Person]:
        """New people, written."""
        new = [person for person in people if person.subject is None]
        numbers = subjects.free_numbers(len(new))
        made = [person for person, no in zip(new, numbers, strict=True) if self._composed(person, no)]
        copy_rows(Subject, _SUBJECT, ([getattr(one.subject, column) for column in _SUBJECT] for one in made))
        return made

    def _composed(self, person: _Person, no: str) -> bool:
        row = person.row
        try:
            person.subject = subjects.compose(
                row["name"], unit=person.unit, at=self.at, gender=row["gender"] or "", born_on=row["born_on"],
                phone=row["phone"] or "", identity=row["identity"] or "", no=no,
            )  # fmt: skip
        except subjects.BadSubject as error:
            titles = {"born_on": _("出生年月"), "gender": _("性别"), "name": _("姓名")}
            self._problem(row, titles.get(error.field, ""), row["name"], str(error).rstrip("。"))
            return False
        person.new = True
        return True

    # What is known of them

    def _tell(self, people: list[_Person]) -> None:
        """What differs from what this source said before; everything of those who are new. One query, one COPY."""
        known = self._known([person for person in people if not person.new])
        for person in people:
            for key, value in self._said(person).items():
                if self._is_told(known.get((_id(person), key)), value):
                    continue
                self._add(person, key, value)
                person.changed = True
        copy_rows(Fact, _FACT, self.facts)

    def _said(self, person: _Person) -> dict[str, Any]:
        row, subject = person.row, person.subject
        said = {key[1:]: value for key, value in row.values.items() if key.startswith("?") and value is not None}
        kind = _kind_of_trade(self.t.questions["trade.kind"], said.get("trade.name"))
        if kind and "trade.kind" not in said:
            said["trade.kind"] = kind
        born_on, gender = row["born_on"], row["gender"]
        if row["identity"]:
            born_on, gender = birth_of(row["identity"]), "male" if is_male(row["identity"]) else "female"
        assert subject is not None
        if born_on:
            said[BIRTH] = born_on.isoformat()
        if gender:
            said[GENDER] = gender
        return said

    def _known(self, people: list[_Person]) -> dict[tuple[int, str], Fact]:
        told = Fact.objects.filter(
            subject_id__in=[_id(person) for person in people], source=self.t.source, since__lte=self.t.on, until=None
        )
        deciding = told.order_by("subject_id", "question", "-since", "-made_at", "-pk").distinct(
            "subject_id", "question"
        )
        return {(fact.subject_id, fact.question): fact for fact in deciding}

    def _is_told(self, fact: Fact | None, value: Any) -> bool:
        """The same answer, and with a day of its own (数据截止日期) one that is as new."""
        if fact is None or (self.t.as_of is not None and fact.since < self.t.as_of):
            return False
        return (facts.opened(fact) if fact.sealed else fact.value) == value

    def _add(self, person: _Person, key: str, value: Any) -> None:
        fact_id, question, sealed = new_id(), self.t.questions[key], None
        if facts.is_sealed(question, value):
            sealed, value = facts.sealed_value(fact_id, value)
        said = json.dumps(value, ensure_ascii=False)
        grade = facts.GRADES[Source(self.t.source)]
        by = self.by.pk if self.by else None
        self.facts.append(
            (fact_id, _id(person), key, said, sealed, self.t.source, grade, self.t.on, self.at, by)
        )  # fmt: skip

    # Where they stand

    def _enter(self, people: list[_Person]) -> None:
        wanted = [person for person in people if person.stage is not None]
        there = self._standing(wanted)
        coming = []
        for person in wanted:
            stage = there.get(_id(person))
            if stage is None:
                coming.append(person)
            elif person.stage is not None and stage != person.stage.key:
                self._note_other_stage(person, stage)
        kin = _kin(coming)
        pasts = [self._past(person, kin) for person in coming if self._finds_place(person)]
        if pasts:
            enter_all(self.t.program, pasts, by=who(self.by or SYSTEM), at=self.at)

    def _finds_place(self, person: _Person) -> bool:
        """Whether a capped stage has a place left (D3): asked of the database once an area, then counted here."""
        subject, stage = person.subject, person.stage
        assert subject is not None and stage is not None
        rules = self.t.rules_at(person.unit)
        stage = rules.stages[stage.key]
        if stage.cap is None:
            return True
        key = (stage.key, rooms.scope(subject, rules, stage.key))
        if key not in self.t.places_left:
            self.t.places_left[key] = rooms.free(self.t.program, rules, *key) or 0
        self.t.places_left[key] -= 1
        if self.t.places_left[key] < 0:
            most = stage.cap.n
            self._note(person.row, _("培养层次"), stage.title, str(rooms.Full(stage.title, most)).rstrip("。"))
        return self.t.places_left[key] >= 0

    def _standing(self, people: list[_Person]) -> dict[int, str]:
        """The stage of those who are, or were, in the program: what ended is not begun anew by a sheet."""
        mine = Standing.objects.filter(program=self.t.program, subject_id__in=[_id(person) for person in people])
        return dict(mine.order_by("pk").values_list("subject_id", "stage"))

    def _note_other_stage(self, person: _Person, stage: str) -> None:
        rule = self.t.rules.stages.get(stage)
        says = _("已经在库，现在是“%(stage)s”，没有改动；变更请走提升或淘汰的程序")
        title = rule.title if rule else _("正在申请")
        self._note(person.row, _("培养层次"), person.row["stage"] or "", says % {"stage": title})

    def _past(self, person: _Person, kin: set[tuple[int, int]]) -> Past:
        row, subject, stage = person.row, person.subject, person.stage
        assert subject is not None and stage is not None
        person.changed = True
        begins = datetime.combine(row["since"], time.min, timezone.get_default_timezone()) if row["since"] else self.at
        return Past(subject, [(stage.key, begins)], leader=None if stage.final else self._leader(person, kin))

    def _leader(self, person: _Person, kin: set[tuple[int, int]]) -> Posting | None:
        name = person.row["leader"]
        if not name:
            return None
        leader = self.t.leaders.find(name, snapshot().unit(person.unit))
        if leader is None:
            says = _("没有找到管这个地方的这位领导（或有同名），没有指定；请先在“人员与岗位”里登记")
            self._note(person.row, _("包保领导"), name, says)
        elif (_id(person), leader.person_id) in kin:
            self._note(person.row, _("包保领导"), name, _("包保领导不能是本人或亲属，没有指定"))
            return None
        return leader


def _kin(people: list[_Person]) -> set[tuple[int, int]]:
    """(subject, person) of those who are too close to be answerable: themselves, and kin on file."""
    known = [person.subject for person in people if person.subject is not None and not person.new]
    kin = Kin.objects.filter(subject__in=known).values_list("subject_id", "person_id")
    return {*kin, *((one.pk, one.person_id) for one in known if one.person_id)}


def _id(person: _Person) -> int:
    assert person.subject is not None
    return int(person.subject.pk)


def _same_name(person: _Person, found: list[Subject]) -> Subject | None:
    """Of those with this name in this village the one who can be meant: not another identity number, nor another phone."""
    can_be = [one for one in found if not (person.row["identity"] and one.identity_index is not None)]
    index = person.phone_index
    same_phone = [one for one in can_be if index and bytes(one.phone_index or b"") == index]
    if same_phone or index is None:
        can_be = same_phone or can_be
    else:
        can_be = [one for one in can_be if one.phone_index is None]
    return can_be[0] if len(can_be) == 1 else None


def _kind_of_trade(question: Question, name: str | None) -> str | None:
    """种植 in 食用菌种植 tells the kind of trade, when exactly one kind is named."""
    if not name:
        return None
    named = [key for key, title in question.choices.items() if key != "other" and title[:2] in name]
    return named[0] if len(named) == 1 else None
