"""The organisation sheet (offices, centres, party bodies, teams) and the grids sheet: units that have no official list."""

import re
from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.lib.codes import BadCode, parse_code
from bihuan.net.imports import columns
from bihuan.net.imports.columns import Column, Problem, Row, merged_problems, read_rows
from bihuan.net.imports.planting import Seedling, plant
from bihuan.net.imports.registry import File, Given, Outcome, importer
from bihuan.net.imports.sheets import Sheet
from bihuan.net.imports.staff import Appointment, appoint_all
from bihuan.net.models import Kind, Level, Role, Tree, Unit

KINDS = {
    Kind.ORGAN: ("部门单位", "部门", "单位", "机关", "企事业单位"),
    Kind.CENTRE: ("诉求中心", "中心", "热线中心"),
    Kind.AREA: ("行政区划", "区划", "街道", "乡镇", "社区", "村"),
    Kind.GRID: ("网格",),
    Kind.PARTY: ("党组织", "党委", "党支部"),
    Kind.TEAM: ("队伍", "团队"),
}
TREES = {
    Tree.ADMIN: ("行政",),
    Tree.GRID: ("网格",),
    Tree.PARTY: ("党建", "党"),
    Tree.ALLIANCE: ("联盟", "共建"),
}
LEVELS = {
    "1": ("省", "省级"),
    "2": ("市", "市级", "地级"),
    "3": ("县", "县级", "区", "区级", "县（市、区）"),
    "4": ("街道", "乡镇", "镇级", "街道（乡镇）"),
    "5": ("社区", "村", "村级", "社区（村）"),
}

ORGANISATION = (
    Column("code", ("代码", "单位代码", "编码", "code"), columns.code, required=True),
    Column("name", ("名称", "单位名称", "单位", "name"), columns.text(80), required=True),
    Column("kind", ("类别", "类型", "单位类别", "kind"), columns.choice(KINDS)),
    Column("level", ("级别", "层级", "level"), columns.choice(LEVELS)),
    Column("area", ("区划代码", "所在区划", "行政区划代码", "area_code", "area"), columns.code),
    Column("parent", ("上级代码", "上级单位代码", "主管单位代码", "parent_code", "parent"), columns.code),
    Column("short", ("简称", "short"), columns.text(40)),
    Column("duties", ("职责", "主要职责", "duties"), columns.text(400)),
    Column("phone", ("电话", "办公电话", "联系电话", "phone"), columns.phone),
    Column("tree", ("体系", "所属体系", "tree"), columns.choice(TREES)),
)
GRIDS = (
    Column("code", ("代码", "网格代码", "网格编码", "code"), columns.code, required=True),
    Column("name", ("名称", "网格名称", "name"), columns.text(80), required=True),
    Column("parent", ("上级代码", "社区代码", "所属社区代码", "上级网格代码", "parent"), columns.code, required=True),
    Column("households", ("户数", "住户数", "households"), columns.whole(0, 1_000_000)),
    Column("leader", ("网格员", "网格长", "负责人", "leader"), columns.text(40)),
    Column("phone", ("电话", "网格员电话", "联系电话", "phone"), columns.phone),
    Column("title", ("职务", "公示职务", "title"), columns.text(40)),
)


@importer(
    "units",
    rank=20,
    title=_noop("单位"),
    help=_noop("部门、诉求中心、党组织等单位：代码自定，上级写已有的代码；没有上级的挂在所在区划下面。"),
    columns=(
        (_noop("代码"), "210381-ZJ", True),
        (_noop("名称"), _noop("海城市住房和城乡建设局"), True),
        (_noop("类别"), _noop("部门单位、诉求中心、党组织、队伍"), False),
        (_noop("级别"), _noop("市、县、街道、社区；不填随所在区划"), False),
        (_noop("区划代码"), "210381", False),
        (_noop("上级代码"), _noop("主管单位的代码，可以是同一张表里的"), False),
        (_noop("简称"), _noop("住建局"), False),
        (_noop("职责"), _noop("房屋、物业、供热"), False),
        (_noop("电话"), "0412-3222222", False),
        (_noop("体系"), _noop("行政、党建、联盟"), False),
    ),
    example=(
        "210381-ZJ",
        "海城市住房和城乡建设局",
        "部门单位",
        "县级",
        "210381",
        "",
        "住建局",
        "房屋、物业、供热",
        "0412-3222222",
        "行政",
    ),
)
def import_units(file: File, given: Given) -> Outcome:
    """Offices and other bodies. A unit without parent hangs under its area; its level is the sheet's or its area's."""
    sheet = Sheet.read(file.content, file.name, known=_titles(ORGANISATION))
    reading = read_rows(sheet, ORGANISATION)
    levels = _known_levels()
    problems: list[Problem] = []
    seedlings = [seedling for row in reading.rows if (seedling := _office(row, levels, problems))]
    return _planted(sheet, seedlings, given.at, merged_problems(reading.problems, problems))


def _office(row: Row, levels: dict[str, int], problems: list[Problem]) -> Seedling | None:
    kind = row["kind"] or Kind.ORGAN
    code = _full(row["code"]) if kind in (Kind.AREA, Kind.GRID) else row["code"]
    parent = _meant(row["parent"] or row["area"] or "", levels)
    if not parent:
        problems.append(Problem(row.number, _("上级代码"), "", _("上级代码和区划代码至少要填一个")))
        return None
    area = _meant(row["area"] or row["parent"], levels)
    level = int(row["level"] or levels.get(area, levels.get(parent, Level.COUNTY)))
    levels.setdefault(code, level)
    tree = row["tree"] or (Tree.GRID if kind == Kind.GRID else Tree.ADMIN)
    facts = {key: row[key] for key in ("short", "duties", "phone")}
    return Seedling(row.number, code, kind, row["name"], level, parent, tree, facts)


@importer(
    "grids",
    rank=30,
    title=_noop("网格"),
    help=_noop("各级网格：上级写社区（村）的代码，或上一级网格的代码；填了网格员姓名的，同时登记为这个网格的网格员。"),
    columns=(
        (_noop("代码"), "210381001001001", True),
        (_noop("名称"), _noop("第一网格"), True),
        (_noop("上级代码"), "210381001001", True),
        (_noop("户数"), "320", False),
        (_noop("网格员"), _noop("王秀英"), False),
        (_noop("电话"), "13800001234", False),
        (_noop("职务"), _noop("网格长"), False),
    ),
    example=("210381001001001", "第一网格", "210381001001", "320", "王秀英", "13800001234", "网格长"),
)
def import_grids(file: File, given: Given) -> Outcome:
    """Grids of any depth, in any order, with their leaders as grid workers (without accounts)."""
    sheet = Sheet.read(file.content, file.name, known=_titles(GRIDS))
    reading = read_rows(sheet, GRIDS)
    above = {_full(row["code"]): _full(row["parent"]) for row in reading.rows}
    stored = _known_levels()
    seedlings = [
        Seedling(
            row.number, code, Kind.GRID, row["name"], _depth(code, above, stored), above[code], Tree.GRID,
            {"households": row["households"]},
        )
        for row in reading.rows
        for code in [_full(row["code"])]
    ]  # fmt: skip
    outcome = _planted(sheet, seedlings, given.at, reading.problems)
    leaders = appoint_all(_leaders(reading.rows), at=given.at, by=given.by)
    outcome.problems = merged_problems(outcome.problems, leaders.problems)
    only_leader = leaders.touched - outcome.touched
    outcome.changed, outcome.same = outcome.changed + len(only_leader), outcome.same - len(only_leader)
    return outcome


def _depth(code: str, above: dict[str, str], stored: dict[str, int]) -> int:
    """One below the parent's level, at least 6; parents may come later in the sheet. A circle is told by `plant`."""
    steps, seen = 0, set()
    while code in above and code not in seen:
        seen.add(code)
        steps, code = steps + 1, above[code]
    return max(Level.GRID + steps - 1, stored.get(code, Level.COMMUNITY) + steps)


def _leaders(rows: list[Row]) -> Iterator[Appointment]:
    for row in rows:
        if row["leader"]:
            yield Appointment(
                row.number, _full(row["code"]), row["leader"], row["phone"] or "", Role.GRID_WORKER,
                row["title"] or _("网格员"),
            )  # fmt: skip


# Both


def _planted(sheet: Sheet, seedlings: list[Seedling], at: datetime, problems: list[Problem]) -> Outcome:
    outcome = plant(seedlings, at=at)
    outcome.rows = len(sheet)
    outcome.problems = merged_problems(problems, outcome.problems)
    outcome.samples = [(seedling.code, seedling.name) for seedling in seedlings[:8]]
    return outcome


def _titles(wanted: tuple[Column, ...]) -> list[str]:
    return [title for column in wanted for title in column.titles]


def _known_levels() -> dict[str, int]:
    return dict(Unit.objects.filter(died=None).values_list("code", "level"))


def _full(code: str) -> str:
    """A division's or grid's code in full, as units carry it; any other code as written."""
    try:
        return parse_code(code) if re.fullmatch(r"\d+", code) else code
    except BadCode:
        return code


def _meant(code: str, known: dict[str, int]) -> str:
    """The code a reference means: an office may be called 1001, and 210381 is short for its county."""
    return code if code in known or _full(code) not in known else _full(code)
