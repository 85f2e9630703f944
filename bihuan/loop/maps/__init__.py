"""Maps: how somebody else's sheet of cases is to be read. A TOML document; examples lie beside this file.

zone = "America/New_York"                  the clock of the sheet's times
[region]   code, name, level, under        where the cases count as filed; made when `name` is given and it is missing
[column]   no = "Case No"                  a field and the title of its column; "a | b": the first title there is;
                                           a list for fields made of several columns (text, category from the top down)
[keep]     queue = "queue"                 columns kept as they are, as facts of the filing
[date]     formats = ["%Y-%m-%d %H:%M"]    as in strptime; without them the usual ones are understood
[constant] type = "report"                 for fields without a column, or whose cell is empty
[word.status] Closed = "closed"            what a cell's words mean; [begin.result]: what the beginning of a cell means
[unknown]  unit = "create", category = "create"
[category] under = "波士顿311"              new categories hang below one of this title
[due]      from = "file", missing = "none"
[open]     as = "kept"
[place]    find = ["grid", "point", "address"]
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from bihuan.programs.reading import BadDocument, Problem, Table

SHIPPED = Path(__file__).parent
FIELDS = {
    "no": "原编号",
    "filed_at": "受理时间",
    "due_at": "应办结时间",
    "closed_at": "办结时间",
    "status": "状态",
    "type": "诉求类型",
    "category": "事项类别",
    "unit": "承办单位",
    "text": "内容",
    "reply": "办理答复",
    "result": "办理结果",
    "place": "地址",
    "grid": "网格编码",
    "lng": "经度",
    "lat": "纬度",
    "source": "来源",
    "urgency": "紧急程度",
    "secrecy": "是否公开",
    "name": "姓名",
    "phone": "电话",
    "flag": "原系统的按期标志",
}
MANY = ("text", "category", "place")  # may be made of several columns
TRANSLATED = ("status", "type", "unit", "result", "source", "urgency", "secrecy", "flag")
CONSTANT = ("type", "text", "result", "source", "urgency", "secrecy", "unit")
STATUS, FLAGS = ("open", "closed", "skip"), ("on_time", "late")


@dataclass(frozen=True, slots=True)
class Region:
    """Where the cases count as filed. With a `name` it is made, under the unit with the code `under`, when missing."""

    code: str
    name: str
    level: int
    under: str


@dataclass(frozen=True)
class CaseMap:
    """A map that was read. `columns`: the titles a field is made of, each as alternatives in order of preference.

    unknown_unit: create, refuse, or centre (the case stays with the centre, to be dispatched).
    unknown_category: create, refuse, or drop (the case has none).
    due: file, program (computed from its limits and the calendar) or none. due_missing: the same for empty cells.
    open: live (clocks run from the import on) or kept (open in the books, no clock runs).
    """

    title: str
    zone: ZoneInfo
    program: str
    region: Region
    columns: Mapping[str, tuple[tuple[str, ...], ...]]
    keep: Mapping[str, str]
    formats: tuple[str, ...]
    constants: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]]
    begins: Mapping[str, Mapping[str, str]]
    unknown_unit: str
    unknown_category: str
    categories_under: str
    due: str
    due_missing: str
    open: str
    find_place: tuple[str, ...]

    @property
    def titles(self) -> list[str]:
        """Every column title the map knows."""
        named = [title for parts in self.columns.values() for part in parts for title in part]
        return [*named, *self.keep.values()]


def shipped() -> dict[str, Path]:
    """The example maps by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def find(name: str) -> Path:
    """A map by its path, or an example by its name."""
    return shipped().get(name.removesuffix(".toml")) or Path(name)


def load(path: Path) -> CaseMap:
    """Read a map. Raises BadDocument with everything wrong in it, each with its key."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadDocument([Problem(path.name, "", f"读不出的文件（{error}）", "UTF-8 编码的 TOML 文件")]) from error
    return read(data, path.name)


def read(data: Mapping[str, Any], file: str) -> CaseMap:
    """A map from TOML data. Raises BadDocument."""
    problems: list[Problem] = []
    top = Table(data, file, problems)
    found = CaseMap(
        title=top.text("title") or file.removesuffix(".toml"),
        zone=_zone(top),
        program=top.word("program") or "request",
        region=_region(top.table("region")),
        columns=_columns(top.table("column")),
        keep=_texts(top.table("keep")),
        formats=_formats(top.table("date")),
        constants=_constants(top.table("constant")),
        words=_translations(top.table("word")),
        begins=_translations(top.table("begin")),
        **_choices(top),
        categories_under=_one(top.table("category"), "under"),
        find_place=_places(top.table("place")),
    )
    _judge(top, found)
    top.close()
    if problems:
        raise BadDocument(problems)
    return found


def _zone(top: Table) -> ZoneInfo:
    name = top.text("zone", required=True)
    if name and name not in available_timezones():
        top.wrong("zone", name, "时区，如 Asia/Shanghai")
        name = ""
    return ZoneInfo(name or "UTC")


def _region(table: Table) -> Region:
    region = Region(
        code=table.text("code", required=True),
        name=table.text("name"),
        level=table.count("level") or 3,
        under=table.text("under"),
    )
    if len(region.code) < 6 or not region.code[:6].isdecimal():
        table.wrong("code", region.code, "以六位数字开头的代码，编号由它而来")
    table.close()
    return region


def _columns(table: Table) -> dict[str, tuple[tuple[str, ...], ...]]:
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for field in table.data:
        if field not in FIELDS:
            table.wrong(field, field, "、".join(FIELDS))
            continue
        written = table.take(field, "列名；text、category、place 可以是列名的列表", _is_title, "")
        parts = [written] if isinstance(written, str) else written
        if len(parts) > 1 and field not in MANY:
            table.wrong(field, written, "一个列名")
        found[field] = tuple(tuple(title.strip() for title in part.split("|")) for part in parts if part)
    return found


def _is_title(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(part, str) and part.strip() for part in value)
    return isinstance(value, str) and bool(value.strip())


def _texts(table: Table) -> dict[str, str]:
    return {key: table.text(key, required=True) for key in table.data}


def _one(table: Table, key: str) -> str:
    value = table.text(key)
    table.close()
    return value


def _formats(table: Table) -> tuple[str, ...]:
    written = table.take("formats", '格式的列表，如 ["%Y-%m-%d %H:%M"]', lambda value: isinstance(value, list), [])
    for pattern in written:
        if not isinstance(pattern, str) or not _round_trips(pattern):
            table.wrong("formats", pattern, "strptime 的格式，至少有年月日，如 %Y-%m-%d %H:%M:%S")
    table.close()
    return tuple(written)


def _round_trips(pattern: str) -> bool:
    moment = datetime(2011, 7, 3, tzinfo=UTC)
    try:
        return datetime.strptime(moment.strftime(pattern), pattern).replace(tzinfo=UTC) == moment
    except ValueError:
        return False


def _constants(table: Table) -> dict[str, str]:
    for field in table.data:
        if field not in CONSTANT:
            table.wrong(field, field, "、".join(CONSTANT))
    return _texts(table)


def _translations(table: Table) -> dict[str, dict[str, str]]:
    found = {}
    for field in table.data:
        if field not in TRANSLATED:
            table.wrong(field, field, "、".join(TRANSLATED))
            continue
        inner = table.table(field)
        found[field] = _texts(inner)
        for word, meaning in found[field].items():
            allowed = {"status": STATUS, "flag": FLAGS}.get(field)
            if allowed and meaning not in allowed:
                inner.wrong(word, meaning, "、".join(allowed))
    return found


def _choices(top: Table) -> dict[str, str]:
    unknown, due, open_ = top.table("unknown"), top.table("due"), top.table("open")
    chosen = {
        "unknown_unit": unknown.one_of("unit", ("create", "refuse", "centre")) or "refuse",
        "unknown_category": unknown.one_of("category", ("create", "refuse", "drop")) or "refuse",
        "due": due.one_of("from", ("file", "program", "none")) or "file",
        "due_missing": due.one_of("missing", ("program", "none")) or "none",
        "open": open_.one_of("as", ("live", "kept")) or "kept",
    }
    for table in (unknown, due, open_):
        table.close()
    return chosen


def _places(table: Table) -> tuple[str, ...]:
    known = ("grid", "point", "address")
    found = table.take("find", "、".join(known) + " 的列表", lambda v: isinstance(v, list) and set(v) <= {*known}, [])
    table.close()
    return tuple(found)


def _judge(top: Table, found: CaseMap) -> None:
    """What must hold between the parts."""
    column = top.table("column")
    for field in ("no", "filed_at"):
        if field not in found.columns:
            column.wrong(field, None, f"{FIELDS[field]}所在的列名")
    if "text" not in found.columns and "text" not in found.constants:
        column.wrong("text", None, "内容所在的列名，或在 constant 里写 text")
    if found.due == "file" and "due_at" not in found.columns:
        top.table("due").wrong("from", "file", "program 或 none：没有应办结时间的列")
    if "type" not in found.columns and "type" not in found.constants:
        top.table("constant").wrong("type", None, "诉求类型，如 complaint")
