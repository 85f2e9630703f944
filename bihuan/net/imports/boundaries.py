"""Boundaries from a GeoJSON file the operator supplies: matched to units by code or name, put into WGS-84, made valid."""

import json
from collections.abc import Iterator
from typing import Any

import shapely
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop
from shapely.geometry import mapping

from bihuan.lib.coords import BadPoint, to_wgs84
from bihuan.lib.shapes import BadShape, area_of, point_on_surface
from bihuan.net.imports.columns import Problem
from bihuan.net.imports.places import SYSTEMS
from bihuan.net.imports.registry import File, Given, Option, Outcome, importer
from bihuan.net.imports.sheets import BadSheet, decoded
from bihuan.net.models import Boundary, Unit
from bihuan.net.outlines import overlaps_among
from bihuan.net.revisions import touch
from bihuan.net.tree import Net, UnitRow, snapshot

CODE_NAMES = ("code", "adcode", "代码", "网格代码", "gridcode", "id")
NAME_NAMES = ("name", "名称", "网格名称", "NAME")


@importer(
    "boundaries",
    rank=80,
    title=_noop("边界"),
    help=_noop("GeoJSON 面文件（FeatureCollection），每个面的属性里要有单位代码（code、adcode）或名称。"),
    columns=(
        (_noop("code 或 adcode"), "210381001001", True),
        (_noop("name"), _noop("没有代码时按名称找单位"), False),
    ),
    options=(
        Option(
            "crs", _noop("坐标系"), _noop("文件里坐标所用的坐标系；从高德、DataV 来的是 GCJ-02。"), "wgs84", SYSTEMS
        ),
        Option("code", _noop("代码所在的属性"), _noop("不填就依次找 code、adcode、代码。")),
        Option("name", _noop("名称所在的属性"), _noop("不填就依次找 name、名称。")),
        Option("source", _noop("来源"), _noop("例如 海城市民政局 2026 年界线图；会显示在地图旁。")),
    ),
    suffixes=(".json", ".geojson"),
)
def import_boundaries(file: File, given: Given) -> Outcome:
    """Outlines of areas and grids. notes: what overlaps (N3), to be looked at; it is imported all the same."""
    features = _features(file)
    net, outcome = snapshot(), Outcome(rows=len(features))
    stored = {boundary.unit_id: boundary for boundary in Boundary.objects.all()}
    found: dict[int, dict[str, Any]] = {}
    for number, feature in enumerate(features, 1):
        try:
            unit = _unit_of(feature, net, given)
            if unit.id in found:
                raise BadShape(_("同一个单位的边界出现了两次"))
            found[unit.id] = _geometry(feature, str(given.options.get("crs") or "wgs84"))
        except (BadShape, BadPoint) as error:
            says = _said(feature, NAME_NAMES) or _said(feature, CODE_NAMES)
            outcome.problems.append(Problem(number, _("面"), says, str(error)))
    _write(found, stored, given, file.name, outcome)
    outcome.notes = list(overlap_notes(net, set(found)))
    outcome.samples = [(net.unit(unit).code, net.unit(unit).name) for unit in list(found)[:8]]
    return outcome


def _features(file: File) -> list[dict[str, Any]]:
    try:
        document = json.loads(decoded(file.content))
    except ValueError as error:
        raise BadSheet(_("“%(name)s”不是 JSON 文件。") % {"name": file.name}) from error
    if isinstance(document, dict) and document.get("type") == "Feature":
        return [document]
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not features:
        raise BadSheet(_("“%(name)s”不是 GeoJSON 的 FeatureCollection，或里面没有面。") % {"name": file.name})
    return [feature if isinstance(feature, dict) else {} for feature in features]


def _unit_of(feature: dict[str, Any], net: Net, given: Given) -> UnitRow:
    code = _said(feature, _asked(given, "code", CODE_NAMES))
    if code and net.has_code(code):
        return _place(net.by_code(code))
    name = _said(feature, _asked(given, "name", NAME_NAMES))
    named = [unit for unit in net if unit.name == name and unit.is_place] if name else []
    if len(named) == 1:
        return named[0]
    if named:
        raise BadShape(_("有 %(count)d 个单位叫“%(name)s”，请在属性里写代码") % {"count": len(named), "name": name})
    raise BadShape(_("没有代码为“%(code)s”、名称为“%(name)s”的单位") % {"code": code, "name": name})


def _place(unit: UnitRow) -> UnitRow:
    if not unit.is_place:
        raise BadShape(_("“%(name)s”不是区划或网格，没有边界") % {"name": unit.name})
    return unit


def _asked(given: Given, key: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    chosen = str(given.options.get(key) or "").strip()
    return (chosen,) if chosen else usual


def _said(feature: dict[str, Any], names: tuple[str, ...]) -> str:
    properties = feature.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    return next((str(properties[name]).strip() for name in names if properties.get(name) not in (None, "")), "")


def _geometry(feature: dict[str, Any], crs: str) -> dict[str, Any]:
    """Valid, in WGS-84, rounded to about 0.1 m. Raises BadShape or BadPoint."""
    area = area_of(feature.get("geometry") or {})
    shifted = shapely.transform(area, lambda points: [to_wgs84(x, y, crs) for x, y in points])
    rounded = shapely.set_precision(shifted, 1e-6)
    return json.loads(json.dumps(mapping(area_of(rounded))))


def _write(
    found: dict[int, dict[str, Any]], stored: dict[int, Boundary], given: Given, name: str, outcome: Outcome
) -> None:
    source = str(given.options.get("source") or name)[:120]
    changed = {unit: shape for unit, shape in found.items() if unit not in stored or stored[unit].geometry != shape}
    outcome.created = len([unit for unit in changed if unit not in stored])
    outcome.changed = len(changed) - outcome.created
    outcome.same = len(found) - len(changed)
    if not changed:
        return
    rows = [
        Boundary(unit_id=unit, geometry=shape, source=source, updated_at=given.at) for unit, shape in changed.items()
    ]
    Boundary.objects.bulk_create(
        rows, batch_size=1000, update_conflicts=True, unique_fields=["unit"],
        update_fields=["geometry", "source", "made_up", "updated_at"],
    )  # fmt: skip
    units = list(Unit.objects.filter(pk__in=changed))
    for unit in units:
        unit.lng, unit.lat = (round(value, 6) for value in point_on_surface(changed[unit.pk]))
    Unit.objects.bulk_update(units, ["lng", "lat"], batch_size=500)
    touch("boundaries", given.at)
    touch("tree", given.at)


def overlap_notes(net: Net, units: set[int]) -> Iterator[Problem]:
    """N3: brothers that share ground, in words."""
    for overlap in overlaps_among(net, units):
        names = {"a": net.full_name(overlap.a), "b": net.full_name(overlap.b), "size": overlap.square_metres}
        yield Problem(0, _("面"), names["a"], _("与“%(b)s”重叠 %(size).0f 平方米") % names)
