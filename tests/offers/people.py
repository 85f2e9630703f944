"""Those who work with trainees, beside the cast: organisers, a village secretary, helping offices; and trainees."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from bihuan.dossier import subjects
from bihuan.net import revisions
from bihuan.net.models import Edge, Kind, Person, Posting, Role, Unit
from bihuan.net.tree import rebuild_paths
from bihuan.programs import document, versions
from bihuan.programs.models import Program, Version
from tests.world import BORN, MONDAY, make_cast

LADDER = "growing"


def make_folk() -> SimpleNamespace:
    """The cast with an organisation department, helpers at every level, and two trainees of 南关社区, one of 北关社区."""
    folk = make_cast()
    plan = [
        ("department", "219981Z01", "海澄市委组织部", 3, folk.county),
        ("farming", "219981D05", "海澄市农业农村局", 3, folk.county),
        ("city_bank", "2199D01", "千阳市金融局", 2, folk.city),
        ("other_bureau", "219902D01", "铁阳区农业农村局", 3, folk.other_county),
        ("city_department", "2199Z01", "千阳市委组织部", 2, folk.city),
    ]
    for key, code, name, level, parent in plan:
        unit = Unit.objects.create(code=code, kind=Kind.ORGAN, name=name, short=name, level=level, born=BORN)
        Edge.objects.create(child=unit, parent=parent, tree="admin", since=BORN)
        setattr(folk, key, unit)
    rebuild_paths()
    revisions.forget()
    for key, _code, *_rest in plan:
        setattr(folk, key, Unit.objects.get(pk=getattr(folk, key).pk))
    posts = [
        ("organiser", folk.department, Role.ORGANISER, "组织干部"),
        ("city_organiser", folk.city_department, Role.ORGANISER, "市组织干部"),
        ("town_organiser", folk.town, Role.ORGANISER, "镇组织委员"),
        ("village_secretary", folk.south, Role.SECRETARY, "村书记"),
        ("north_secretary", folk.north, Role.SECRETARY, "北关书记"),
        ("farmer_helper", folk.farming, Role.HANDLER, "农技员"),
        ("farming_chief", folk.farming, Role.CHIEF, "农业局长"),
        ("banker", folk.city_bank, Role.HANDLER, "金融科长"),
        ("stranger", folk.other_bureau, Role.HANDLER, "外区干部"),
    ]
    for key, unit, role, name in posts:
        person = Person.objects.create(name=name, phone="13900000000")
        setattr(folk, key, Posting.objects.create(person=person, unit=unit, role=role, since=BORN))
    publish()
    folk.trainee = subjects.register("刘能手", unit=folk.south.pk, at=MONDAY, phone="13800001234")
    folk.other_trainee = subjects.register("马能手", unit=folk.south.pk, at=MONDAY)
    folk.north_trainee = subjects.register("高能手", unit=folk.north.pk, at=MONDAY)
    revisions.forget()
    return folk


def publish() -> None:
    """The ladder, in force since 2019."""
    text = (Path(__file__).parent / "growing.toml").read_text(encoding="utf-8")
    document.load(text, "growing.toml")
    since = datetime(2019, 1, 1, tzinfo=UTC)
    program = Program.objects.create(key=LADDER, kind="ladder", title="能人培养")
    Version.objects.create(program=program, n=1, doc=text, sha256=versions.digest(text), state="live", since=since)
