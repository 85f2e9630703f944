"""The official division sheet: province, city, county, street or town, community or village, one row each.

Levels are told by the codes themselves (their trailing zeros), not by the titles: the sheet most people have names its
columns one level off (`town_code` holds counties). Also read: the sheets of one level each (code, name, parent's code).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.lib.codes import BadCode, is_below, level_of, parent_code, parse_code
from bihuan.net.imports import columns
from bihuan.net.imports.columns import BadCell, Problem
from bihuan.net.imports.planting import Seedling, plant
from bihuan.net.imports.registry import File, Given, Option, Outcome, importer
from bihuan.net.imports.sheets import BadSheet, Sheet, title_key
from bihuan.net.models import Kind, Level
from bihuan.net.tree import EmptyNet, snapshot

ALL = "all"
CODE_TITLES = ("代码", "code", "编码", "区划代码", "行政区划代码", "统计用区划代码")
NAME_TITLES = ("名称", "name", "区划名称", "行政区划名称", "单位名称")
# Titles of sheets with all levels, to tell the header from a heading above it.
KNOWN = (
    *CODE_TITLES,
    *NAME_TITLES,
    "省",
    "市代码",
    "县代码",
    "街道代码",
    "社区代码",
    "city_code",
    "town_code",
    "street_code",
)
_CODE_END = re.compile(r"(code|代码|编码|编号)$")
_NAME_END = re.compile(r"(name|名称|名)$")


@dataclass(frozen=True, slots=True)
class Pair:
    """Where one level's code and name stand in a row; a level without codes has only a name."""

    level: int
    code: int | None
    name: int


@importer(
    "divisions",
    rank=10,
    title=_noop("行政区划"),
    help=_noop("统计用区划代码表：省、市、县、街道（乡镇）、社区（村）五级；也可以是每级一份的“代码、名称”表。"),
    columns=(
        (_noop("省名称"), _noop("辽宁省"), True),
        (_noop("市名称"), _noop("鞍山市"), True),
        (_noop("市代码"), "210300000000", True),
        (_noop("县名称"), _noop("海城市"), True),
        (_noop("县代码"), "210381000000", True),
        (_noop("街道名称"), _noop("海州街道"), True),
        (_noop("街道代码"), "210381001000", True),
        (_noop("社区名称"), _noop("南关社区"), True),
        (_noop("社区代码"), "210381001001", True),
    ),
    example=(
        "辽宁省",
        "鞍山市",
        "210300000000",
        "海城市",
        "210381000000",
        "海州街道",
        "210381001000",
        "南关社区",
        "210381001001",
    ),
    options=(
        Option(
            "within", _noop("只导入这个区划"), _noop("填它的代码，它的上级会一起导入；不填就是本地；填 all 是整张表。")
        ),
    ),
)
def import_divisions(file: File, given: Given) -> Outcome:
    """Units of kind area, levels 1 to 5. Option within: this division with what is above and below it (see `_chosen`)."""
    sheet = Sheet.read(file.content, file.name, known=KNOWN)
    problems: list[Problem] = []
    seedlings = {seedling.code: seedling for seedling in _seedlings(sheet, problems)}
    kept, notes = _chosen(seedlings.values(), str(given.options.get("within") or "").strip())
    outcome = plant(kept, at=given.at)
    outcome.rows = len(sheet)
    outcome.problems = columns.merged_problems(problems, outcome.problems)
    outcome.notes = notes
    outcome.samples = [(seedling.code, seedling.name) for seedling in kept[:8]]
    return outcome


def _seedlings(sheet: Sheet, problems: list[Problem]) -> Iterator[Seedling]:
    pairs = _pairs(sheet)
    if len(pairs) >= 2:
        return _from_rows_of_all_levels(sheet, pairs, problems)
    return _from_rows_of_one_level(sheet, problems)


def _chosen(seedlings: Collection[Seedling], wanted: str) -> tuple[list[Seedling], list[Problem]]:
    """The division asked for, with what lies above and below it; and a note when that was chosen here, not by the user.

    Most people have the sheet of a whole province and run one county: without a word only the area already served here
    is imported, and everything into an empty net or with "all".
    """
    area = "" if wanted == ALL else _asked(wanted) or _home()
    if not area:
        return list(seedlings), []
    kept = [seedling for seedling in seedlings if _touches(seedling.code, area)]
    if wanted and not _reaches(seedlings, area):
        raise BadSheet(_("表里没有代码为“%(code)s”的区划。") % {"code": wanted})
    left = len(seedlings) - len(kept)
    if wanted or not left:
        return kept, []
    says = _("只导入了本地和它的上级，表里另有 %(left)d 个外地区划没有导入；都要的话填 all") % {"left": left}
    return kept, [Problem(0, _("区划"), area, says)]


def _asked(wanted: str) -> str:
    try:
        return parse_code(wanted) if wanted else ""
    except BadCode as error:
        raise BadSheet(str(error)) from None


def _home() -> str:
    """The code of the area served here, when it has one of the official form."""
    net = snapshot()
    try:
        return parse_code(net.unit(net.home).code) if len(net) else ""
    except (BadCode, EmptyNet):
        return ""


def _reaches(seedlings: Collection[Seedling], area: str) -> bool:
    """Whether a sheet has the area or something in it; a sheet of higher levels only need not."""
    if any(seedling.code == area or is_below(seedling.code, area) for seedling in seedlings):
        return True
    return all(seedling.level < level_of(area) for seedling in seedlings)


def _touches(code: str, area: str) -> bool:
    return code == area or is_below(code, area) or is_below(area, code)


# One row, all levels


def _pairs(sheet: Sheet) -> list[Pair]:
    """Pairs of code and name columns by level, the topmost first; before them a name without code (the province)."""
    keys = [title_key(title) for title in sheet.header]
    names = {_NAME_END.sub("", key): index for index, key in enumerate(keys) if key and not _CODE_END.search(key)}
    found: dict[int, Pair] = {}
    for index, key in enumerate(keys):
        stem = _CODE_END.sub("", key)
        if _CODE_END.search(key) and stem in names and (level := _level_held(sheet, index)):
            found.setdefault(level, Pair(level, index, names.pop(stem)))
    if not found:
        return []
    top = min(found)
    # The province's name stands alone: its code is the first two digits of every other.
    alone = next((index for stem, index in names.items() if stem in ("province", "省", "省份")), None)
    if top > Level.PROVINCE and alone is not None:
        found[top - 1] = Pair(top - 1, None, alone)
    return [found[level] for level in sorted(found)]


def _level_held(sheet: Sheet, index: int) -> int | None:
    """The level of most codes in a column, looking at rows from all over the sheet; None when they are no codes."""
    step = max(1, len(sheet.rows) // 200)
    cells = (row[index] for _number, row in sheet.rows[::step] if index < len(row))
    levels = Counter(level for cell in cells if (level := _level_of_cell(cell)))
    return levels.most_common(1)[0][0] if levels else None


def _level_of_cell(cell: Any) -> int | None:
    try:
        return level_of(parse_code(columns.code(cell)))
    except (BadCell, BadCode, TypeError, ValueError):
        return None


def _from_rows_of_all_levels(sheet: Sheet, pairs: list[Pair], problems: list[Problem]) -> Iterator[Seedling]:
    seen: set[tuple[str, str]] = set()
    for number, cells in sheet.rows:
        parent: str | None = None
        for pair in pairs:
            try:
                code, name = _code_of(pair, pairs, cells), _name_of(pair, cells)
                _require_under(code, parent)
            except BadCell as error:
                column, cell = _blamed(pair, cells)
                problems.append(Problem(number, sheet.header[column], columns.shown(cell), str(error)))
                break
            if (code, name) not in seen and code != parent:
                seen.add((code, name))
                yield _seedling(number, code, name, pair.level, parent)
            parent = code


def _code_of(pair: Pair, pairs: list[Pair], cells: list[Any]) -> str:
    if pair.code is None:
        below = _code_of(pairs[pairs.index(pair) + 1], pairs, cells)
        return parent_code(below) or below
    return _full(_cell(cells, pair.code), pair.level)


@lru_cache(maxsize=4096)  # every row repeats the codes of its city, county and street
def _full(cell: Any, level: int) -> str:
    try:
        full = parse_code(columns.code(cell))
    except BadCode as error:
        raise BadCell(str(error)) from None
    if level_of(full) > level:
        raise BadCell(_("代码比这一列的级别低"))
    return full


def _name_of(pair: Pair, cells: list[Any]) -> str:
    return _tidy_name(_cell(cells, pair.name))


@lru_cache(maxsize=4096)
def _tidy_name(cell: Any) -> str:
    return unicodedata.normalize("NFKC", columns.text(80)(cell)).replace(" ", "")


def _cell(cells: list[Any], index: int) -> Any:
    cell = cells[index] if index < len(cells) else None
    if isinstance(cell, columns.Formula):
        raise BadCell(_("这一格是公式，没有算出的值；请把它变成数值后再导入"))
    if cell is None or cell == "":
        raise BadCell(_("不能为空"))
    return cell


def _require_under(code: str, parent: str | None) -> None:
    if parent is not None and code != parent and parent_code(code) != parent and not _skips(code, parent):
        raise BadCell(_("代码与上级“%(parent)s”不相连") % {"parent": parent})


def _skips(code: str, parent: str) -> bool:
    """Whether the level between is missing, as where towns hang directly under a city."""
    above = parent_code(code)
    return above is not None and parent_code(above) == parent


def _blamed(pair: Pair, cells: list[Any]) -> tuple[int, Any]:
    """The column to name in the error sheet: the code's, unless the name is what is missing."""
    index = pair.code if pair.code is not None else pair.name
    named = cells[pair.name] if pair.name < len(cells) else None
    if named in (None, "") or isinstance(named, columns.Formula):
        index = pair.name
    return index, cells[index] if index < len(cells) else None


# One level a sheet


def _from_rows_of_one_level(sheet: Sheet, problems: list[Problem]) -> Iterator[Seedling]:
    wanted = (
        columns.Column("code", CODE_TITLES, columns.code, required=True),
        columns.Column("name", NAME_TITLES, columns.text(80), required=True),
    )
    reading = columns.read_rows(sheet, wanted)
    problems.extend(reading.problems)
    for row in reading.rows:
        try:
            code = parse_code(row["code"])
        except BadCode as error:
            problems.append(Problem(row.number, _("代码"), row["code"], str(error)))
            continue
        yield _seedling(row.number, code, row["name"], level_of(code), parent_code(code))


def _seedling(row: int, code: str, name: str, level: int, parent: str | None) -> Seedling:
    # A city without counties is listed again as its own county: it stays one unit, at the level of its code.
    short = _short(name, level)
    return Seedling(
        row, code, Kind.AREA, name, min(level, level_of(code)), parent, facts={"short": short} if short else {}
    )


_SUFFIXES = {
    1: re.compile(r"(壮族|回族|维吾尔)?(省|自治区|特别行政区|市)$"),
    2: re.compile(r"(地区|盟|市)$"),
    3: re.compile(r"(自治县|自治旗|县|区|市|旗)$"),
    4: re.compile(r"(街道办事处|街道|民族乡|镇|乡)$"),
    5: re.compile(r"(社区居民委员会|居民委员会|村民委员会|社区居委会|居委会|村委会)$"),
}


def _short(name: str, level: int) -> str:
    """海城 for 海城市, 南关 … only where two characters are left; a village keeps its 村."""
    short = _SUFFIXES[level].sub("", name) if level in _SUFFIXES else name
    return short if 2 <= len(short) < len(name) else ""
