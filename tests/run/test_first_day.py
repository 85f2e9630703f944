"""An empty county: a calendar, programs, one administrator, and nobody else."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from bihuan.net.models import CalendarDay, Posting, Role, Unit
from bihuan.net.people import AccountFault
from bihuan.programs.models import Version
from bihuan.run.first_day import County, NotFirstDay, begin

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
HAICHENG = ("210381", "辽宁省/鞍山市/海城市")


def test_the_first_administrator_gets_a_password_once() -> None:
    account = begin(County.read(*HAICHENG), person="张三", login="zhangsan", at=AT)
    user = User.objects.get()
    assert user.username == "zhangsan" and user.check_password(account.password) and not user.is_superuser
    posting = Posting.objects.select_related("unit", "person").get()
    assert (posting.role, posting.unit.name, posting.person.must_change_password) == (Role.ADMIN, "海城市", True)


def test_the_county_hangs_under_its_city_and_province_and_has_days_and_programs() -> None:
    begin(County.read(*HAICHENG), person="张三", login="zhangsan", at=AT)
    assert list(Unit.objects.order_by("level").values_list("code", "name", "level")) == [
        ("210000000000", "辽宁省", 1),
        ("210300000000", "鞍山市", 2),
        ("210381000000", "海城市", 3),
    ]
    assert not CalendarDay.objects.get(date="2026-10-01").is_workday
    assert Version.objects.filter(state=Version.State.LIVE).exists()


def test_a_second_first_day_is_refused() -> None:
    begin(County.read(*HAICHENG), person="张三", login="zhangsan", at=AT)
    with pytest.raises(NotFirstDay, match="已经有管理员"):
        begin(County.read(*HAICHENG), person="李四", login="lisi", at=AT)


def test_a_taken_login_leaves_nothing_behind() -> None:
    User.objects.create(username="zhangsan")
    with pytest.raises(AccountFault):
        begin(County.read(*HAICHENG), person="张三", login="zhangsan", at=AT)
    assert not Unit.objects.exists()


@pytest.mark.parametrize(
    ("code", "place"),
    [("2103", HAICHENG[1]), ("21038x", HAICHENG[1]), ("210381", "海城市"), ("210381001", HAICHENG[1])],
)
def test_what_is_no_county_is_refused_in_a_sentence(code: str, place: str) -> None:
    with pytest.raises(NotFirstDay, match=r"[\u4e00-\u9fff]"):
        County.read(code, place)


def test_without_a_terminal_the_missing_flag_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="--code"):
        call_command("init")


@pytest.mark.django_db(transaction=True)
def test_init_prints_login_and_one_time_password(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("init", code=HAICHENG[0], place=HAICHENG[1], name="张三", login="zhangsan")
    said = capsys.readouterr().out
    password = re.search(r"[a-z2-9]{5}(-[a-z2-9]{5}){2}", said)
    assert password and User.objects.get(username="zhangsan").check_password(password[0])
