"""Names by which people find a grid: compounds, roads, landmarks, village groups; with or without a point."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.lib.coords import BadPoint, to_wgs84
from bihuan.net.imports import columns
from bihuan.net.imports.columns import Column, Problem, Row, merged_problems, read_rows
from bihuan.net.imports.copying import copy_in
from bihuan.net.imports.registry import File, Given, Option, Outcome, importer
from bihuan.net.imports.sheets import Sheet
from bihuan.net.models import Place
from bihuan.net.revisions import touch
from bihuan.net.tree import NoSuchUnit, snapshot

KINDS = {
    "compound": ("小区", "楼院", "院落"),
    "road": ("道路", "路", "街巷", "街"),
    "landmark": ("地标", "场所", "单位"),
    "group": ("村民组", "自然屯", "屯", "组"),
}
PLACES = (
    Column("name", ("名称", "地名", "小区名称", "name"), columns.text(60), required=True),
    Column("unit", ("网格代码", "社区代码", "单位代码", "代码", "unit_code", "unit"), columns.code, required=True),
    Column("kind", ("类别", "类型", "kind"), columns.choice(KINDS)),
    Column("lng", ("经度", "lng", "longitude"), columns.longitude),
    Column("lat", ("纬度", "lat", "latitude"), columns.latitude),
)
SYSTEMS = (
    ("gcj02", _noop("GCJ-02（高德、腾讯、DataV）")),
    ("wgs84", _noop("WGS-84（GPS）、CGCS2000（天地图）")),
    ("bd09", _noop("BD-09（百度）")),
)
CRS = Option("crs", _noop("坐标系"), _noop("表里经纬度所用的坐标系。"), "wgs84", SYSTEMS)


@importer(
    "places",
    rank=70,
    title=_noop("地名"),
    help=_noop("小区、道路、地标、村民组等地名，写明在哪个网格或社区；居民填地址时靠它们找到网格。"),
    columns=(
        (_noop("名称"), _noop("新华小区"), True),
        (_noop("网格代码"), _noop("所在网格或社区的代码"), True),
        (_noop("类别"), _noop("小区、道路、地标、村民组"), False),
        (_noop("经度"), "122.7521", False),
        (_noop("纬度"), "40.8523", False),
    ),
    example=("新华小区", "210381001001001", "小区", "122.7521", "40.8523"),
    options=(CRS,),
)
def import_places(file: File, given: Given) -> Outcome:
    """One row a place; the same name in two grids is two places. Option crs: the system of the points."""
    sheet = Sheet.read(file.content, file.name, known=[title for column in PLACES for title in column.titles])
    reading = read_rows(sheet, PLACES)
    crs = str(given.options.get("crs") or CRS.default)
    stored = {(place.unit_id, place.name): place for place in Place.objects.all()}
    outcome, new, differing, seen = Outcome(rows=len(sheet)), [], [], {}
    for row in reading.rows:
        facts = _facts(row, crs, outcome.problems)
        if facts is None:
            continue
        key = facts["unit_id"], facts["name"]
        if key in seen:
            says = _("与第 %(row)d 行重复") % {"row": seen[key]}
            outcome.problems.append(Problem(row.number, _("名称"), row["name"], says))
            continue
        seen[key] = row.number
        place = stored.get(key)
        if place is None:
            new.append(Place(**facts))
        elif any(getattr(place, name) != value for name, value in facts.items()):
            differing.append(_with(place, facts))
    copy_in(new)
    Place.objects.bulk_update(differing, ["kind", "lng", "lat"], batch_size=500)
    outcome.created, outcome.changed = len(new), len(differing)
    outcome.same = len(seen) - outcome.created - outcome.changed
    outcome.problems = merged_problems(reading.problems, outcome.problems)
    outcome.samples = [(row["name"], row["unit"]) for row in reading.rows[:8]]
    if new or differing:
        touch("places", given.at)
    return outcome


def _facts(row: Row, crs: str, problems: list[Problem]) -> dict[str, Any] | None:
    try:
        unit = snapshot().by_code(row["unit"])
    except NoSuchUnit:
        problems.append(Problem(row.number, _("网格代码"), row["unit"], _("没有这个代码的网格或社区")))
        return None
    lng = lat = None
    if row["lng"] is not None and row["lat"] is not None:
        try:
            lng, lat = (round(value, 6) for value in to_wgs84(row["lng"], row["lat"], crs))
        except BadPoint as error:
            problems.append(Problem(row.number, _("经度"), f"{row['lng']},{row['lat']}", str(error)))
            return None
    return {"unit_id": unit.id, "name": row["name"], "kind": row["kind"] or "compound", "lng": lng, "lat": lat}


def _with(place: Place, facts: dict[str, Any]) -> Place:
    for name, value in facts.items():
        setattr(place, name, value)
    return place
