"""Sheets of categories (事项类别) and of the duty list (派单目录): who owes which duty where. Run again, nothing changes."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.loop.categories import PART
from bihuan.loop.imports import mark
from bihuan.loop.models import Category, Duty
from bihuan.net import tree
from bihuan.net.imports import columns
from bihuan.net.imports.columns import Column, Problem, Row, merged_problems, read_rows
from bihuan.net.imports.registry import File, Given, Outcome, importer
from bihuan.net.imports.sheets import BadSheet, Sheet
from bihuan.net.models import Kind
from bihuan.net.revisions import touch

Path = tuple[str, ...]
FALLBACK = ("属地兜底", "兜底", "全部", "其他")
YES_NO = {"1": ("是", "停用", "已停用", "yes", "true"), "": ("否", "在用", "no", "false")}


# Categories

ONE_A_ROW = (
    Column("title", ("名称", "类别名称", "事项名称", "title", "name"), columns.text(60), required=True),
    Column("key", ("编码", "类别编码", "事项编码", "代码", "key", "code"), columns.text(60)),
    Column("parent", ("上级", "上级编码", "上级类别", "parent"), columns.text(200)),
    Column("keywords", ("关键词", "keywords"), columns.text(400)),
    Column("retired", ("停用", "是否停用", "retired"), columns.choice(YES_NO)),
)
LEVELS = (
    ("一级类别", "一级分类", "一级标签", "一级"),
    ("二级类别", "二级分类", "二级标签", "二级"),
    ("三级类别", "三级分类", "三级标签", "三级"),
)
PATHS = (
    *(Column(f"level{depth}", titles, columns.text(60), required=depth == 1) for depth, titles in enumerate(LEVELS, 1)),
    *ONE_A_ROW[3:],
)


@importer(
    "categories",
    title=_noop("事项类别"),
    help=_noop("诉求的类别，两到三级：每行一个类别（名称、编码、上级），或每行写出一、二、三级类别。"),
    columns=(
        (_noop("名称"), _noop("垃圾清运"), True),
        (_noop("编码"), "sanitation.waste", False),
        (_noop("上级"), _noop("上级的编码或名称，最上一级不填"), False),
        (_noop("关键词"), _noop("垃圾 清运 堆放"), False),
        (_noop("停用"), _noop("是 或 否"), False),
    ),
)
def import_categories(file: File, given: Given) -> Outcome:
    """A row a category, or a row a path. Known by its key when there is one, else by its titles from the top down."""
    sheet = Sheet.read(
        file.content, file.name, known=[title for column in (*ONE_A_ROW, *PATHS) for title in column.titles]
    )
    touch(PART, given.at)
    book, outcome = _Book(), Outcome(rows=len(sheet))
    try:
        reading, read = read_rows(sheet, PATHS), _by_path
    except BadSheet:
        reading, read = read_rows(sheet, ONE_A_ROW), _by_row
    problems: list[Problem] = []
    for category, did in read(reading.rows, book, problems):
        setattr(outcome, did, getattr(outcome, did) + 1)
        if len(outcome.samples) < 8:
            outcome.samples.append((category.key, " / ".join(book.path(category))))
    outcome.problems = merged_problems(reading.problems, problems)
    return outcome


def _by_path(rows: list[Row], book: "_Book", problems: list[Problem]) -> Iterator[tuple[Category, str]]:
    """The last title of a row is what its keywords belong to; those above come into being with it."""
    for row in rows:
        titles = [row[f"level{depth}"] for depth in range(1, 4)]
        path = tuple(title for title in titles if title)
        if path != tuple(titles[: len(path)]):
            problems.append(Problem(row.number, LEVELS[1][0], "", _("中间一级是空的")))
            continue
        for depth in range(1, len(path)):
            if path[:depth] not in book.paths:
                yield book.create(path[:depth]), "created"
        yield book.put(path, row)


def _by_row(rows: list[Row], book: "_Book", problems: list[Problem]) -> Iterator[tuple[Category, str]]:
    """Parents may stand below their children: rows wait until theirs is there."""
    waiting = rows
    while waiting:
        left = []
        for row in waiting:
            parent = book.find(row["parent"]) if row["parent"] else None
            if row["parent"] and parent is None:
                left.append(row)
                continue
            above = book.path(parent) if parent else ()
            if row["key"] and _is_below_itself(book, book.keys.get(row["key"]), parent):
                problems.append(Problem(row.number, "上级", row["parent"], _("上级在它自己下面，成了圈")))
                continue
            yield book.put((*above, row["title"]), row)
        if len(left) == len(waiting):
            problems += [Problem(row.number, "上级", row["parent"], _("没有这个上级类别")) for row in left]
            return
        waiting = left


def _is_below_itself(book: "_Book", category: Category | None, parent: Category | None) -> bool:
    while category and parent:
        if parent.pk == category.pk:
            return True
        parent = book.by_id.get(parent.parent_id)
    return False


class _Book:
    """All categories, by key and by path."""

    def __init__(self) -> None:
        self.by_id: dict[int | None, Category] = {row.pk: row for row in Category.objects.all()}
        self.keys = {row.key: row for row in self.by_id.values()}
        self.paths = {self.path(row): row for row in self.by_id.values()}
        self.titles: dict[str, list[Category]] = {}
        for row in self.by_id.values():
            self.titles.setdefault(row.title, []).append(row)

    def path(self, category: Category | None) -> Path:
        """Titles from the top down."""
        if category is None:
            return ()
        return (*self.path(self.by_id.get(category.parent_id)), category.title)

    def find(self, said: str) -> Category | None:
        """By key, by path (市容环卫 / 垃圾清运), or by a title that only one bears."""
        path = tuple(part.strip() for part in said.replace("／", "/").split("/"))
        found = self.keys.get(said) or self.paths.get(path)
        alone = self.titles.get(said, [])
        return found or (alone[0] if len(alone) == 1 else None)

    def create(self, path: Path, key: str = "", keywords: str = "", retired: bool = False) -> Category:
        parent = self.paths.get(path[:-1])
        category = Category.objects.create(
            key=key or f"c{mark('/'.join(path))}", title=path[-1], parent=parent, keywords=keywords, retired=retired
        )
        self.by_id[category.pk] = self.keys[category.key] = self.paths[path] = category
        self.titles.setdefault(category.title, []).append(category)
        return category

    def put(self, path: Path, row: Row) -> tuple[Category, str]:
        """The category of a row, made or brought in line with it; and which of both, or neither."""
        key, keywords, retired = row["key"] or "", row["keywords"], row["retired"]
        category = self.keys.get(key) if key else self.paths.get(path)
        if category is None:
            return self.create(path, key, keywords or "", bool(retired)), "created"
        parent = self.paths.get(path[:-1])
        wanted: dict[str, Any] = {"title": path[-1], "parent_id": parent and parent.pk}
        wanted |= {"keywords": keywords} if keywords is not None else {}
        wanted |= {"retired": bool(retired)} if retired is not None else {}
        changes = {name: value for name, value in wanted.items() if getattr(category, name) != value}
        for name, value in changes.items():
            setattr(category, name, value)
        if changes:
            category.save(update_fields=list(changes))
            self.paths[path] = category
        return category, "changed" if changes else "same"


# The duty list

DUTIES = (
    Column("category", ("类别", "事项类别", "类别编码", "事项", "category"), columns.text(200)),
    Column("area", ("地区代码", "地区", "适用地区", "区划代码", "area"), columns.text(80), required=True),
    Column("unit", ("承办单位", "单位代码", "责任单位", "单位", "unit"), columns.text(80), required=True),
    Column("clause", ("依据", "职责依据", "条款", "clause"), columns.text(200)),
    Column("since", ("生效日期", "起", "自", "since"), columns.day),
    Column("until", ("失效日期", "止", "至", "until"), columns.day),
)


@importer(
    "duties",
    title=_noop("派单目录"),
    help=_noop("哪类事、在哪里、归哪个单位办、依据是什么；类别空着（或写“属地兜底”）的一行是这个地区的兜底单位。"),
    columns=(
        (_noop("类别"), _noop("编码，或“市容环卫 / 垃圾清运”；空着是属地兜底"), False),
        (_noop("地区代码"), "210381000000", True),
        (_noop("承办单位"), _noop("单位的代码或名称"), True),
        (_noop("依据"), _noop("城市生活垃圾管理办法第三条"), False),
        (_noop("生效日期"), "2026-01-01", False),
        (_noop("失效日期"), _noop("空着是一直有效"), False),
    ),
)
def import_duties(file: File, given: Given) -> Outcome:
    """A row a duty. Another unit for the same category and area ends the old duty on the day the new one begins."""
    sheet = Sheet.read(file.content, file.name, known=[title for column in DUTIES for title in column.titles])
    reading = read_rows(sheet, DUTIES)
    touch(PART, given.at)
    duty_list, problems = _DutyList(timezone.localdate(given.at)), []
    outcome = Outcome(rows=len(sheet))
    for row in reading.rows:
        did = duty_list.put(row, problems)
        if did:
            setattr(outcome, did, getattr(outcome, did) + 1)
    outcome.samples = duty_list.samples
    outcome.problems = merged_problems(reading.problems, problems)
    return outcome


class _DutyList:
    """The duties in force, by category and area."""

    def __init__(self, today: date) -> None:
        self.today, self.book, self.net = today, _Book(), tree.snapshot()
        self.standing = {(duty.category_id, duty.area_id): duty for duty in Duty.objects.filter(until=None)}
        self.ended = set(Duty.objects.exclude(until=None).values_list("category", "area", "unit", "since", "until"))
        self.names: dict[str, list[int]] = {}
        for unit in self.net:
            for name in {unit.name, unit.short} - {""}:
                self.names.setdefault(name, []).append(unit.id)
        self.samples: list[tuple[str, ...]] = []
        self._rows: dict[tuple[int | None, int], int] = {}

    def put(self, row: Row, problems: list[Problem]) -> str | None:
        """What became of a row: created, changed, same; None when it cannot be used."""
        faults = len(problems)
        category = self._category(row, problems)
        area, unit = self._unit(row, "area", problems), self._unit(row, "unit", problems)
        if area is not None and self.net.unit(area).kind not in (Kind.AREA, Kind.GRID):
            problems.append(Problem(row.number, DUTIES[1].title, row["area"], _("不是一个地区或网格")))
        since = row["since"] or self.today
        if row["until"] and row["until"] <= since:
            problems.append(Problem(row.number, DUTIES[5].title, str(row["until"]), _("失效日期应晚于生效日期")))
        if len(problems) > faults or area is None or unit is None:
            return None
        key = (category and category.pk, area)
        if row["until"] is None and self._rows.setdefault(key, row.number) != row.number:
            says = _("与第 %(row)d 行的类别和地区相同") % {"row": self._rows[key]}
            problems.append(Problem(row.number, DUTIES[0].title, row["category"] or "", says))
            return None
        if len(self.samples) < 8:
            self.samples.append((row["category"] or FALLBACK[0], self.net.unit(area).name, self.net.unit(unit).name))
        return self._place(key, unit, row, since)

    def _place(self, key: tuple[int | None, int], unit: int, row: Row, since: date) -> str:
        clause, standing = row["clause"] or "", self.standing.get(key)
        if row["until"] is not None:
            return self._past(key, unit, clause, since, row["until"])
        if standing and standing.unit_id == unit and (row["since"] in (None, standing.since)):
            return self._mend(standing, clause=clause)
        if standing and standing.since >= since:
            return self._mend(standing, clause=clause, unit_id=unit, since=since)
        if standing:
            standing.until = since
            standing.save(update_fields=["until"])
        self.standing[key] = Duty.objects.create(
            category_id=key[0], area_id=key[1], unit_id=unit, clause=clause, since=since
        )
        return "changed" if standing else "created"

    def _mend(self, duty: Duty, **wanted: Any) -> str:
        changes = {name: value for name, value in wanted.items() if getattr(duty, name) != value}
        for name, value in changes.items():
            setattr(duty, name, value)
        if changes:
            duty.save(update_fields=list(changes))
        return "changed" if changes else "same"

    def _past(self, key: tuple[int | None, int], unit: int, clause: str, since: date, until: date) -> str:
        """A duty that has an end: a line of history, or one known to end."""
        line = (*key, unit, since, until)
        if line in self.ended:
            return "same"
        self.ended.add(line)
        Duty.objects.create(category_id=key[0], area_id=key[1], unit_id=unit, clause=clause, since=since, until=until)
        return "created"

    def _category(self, row: Row, problems: list[Problem]) -> Category | None:
        said = row["category"]
        if not said or said in FALLBACK:
            return None
        found = self.book.find(said)
        if found is None:
            problems.append(Problem(row.number, DUTIES[0].title, said, _("没有这个类别，或有几个类别叫这个名字")))
        return found

    def _unit(self, row: Row, name: str, problems: list[Problem]) -> int | None:
        """By code, or by a name that only one living unit bears; a line of history may name one that has ended."""
        said, title = row[name], DUTIES[1 if name == "area" else 2].title
        if self.net.has_code(said):
            unit = self.net.by_code(said)
            if unit.died is None or row["until"]:
                return unit.id
            problems.append(Problem(row.number, title, said, _("“%(name)s”已经撤销。") % {"name": unit.name}))
            return None
        found = self.names.get(said, [])
        if len(found) != 1:
            says = _("有几个单位叫这个名字，请填代码") if found else _("没有这个单位")
            problems.append(Problem(row.number, title, said, says))
            return None
        return found[0]
