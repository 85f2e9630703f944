"""`bihuan programs check | publish | list`."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bihuan.net.revisions import forget
from bihuan.programs import document, scenarios
from bihuan.programs.models import Version
from tests.programs.test_document import PACK, TEXT
from tests.programs.test_ladder_checks import CRAFT


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A city's own copy of the program, with its scenarios."""
    path = tmp_path / "request.toml"
    path.write_bytes(TEXT.replace("群众诉求办理", "某市诉求办理").encode())
    scenarios.beside(path).write_bytes(document.read(scenarios.beside(PACK)).encode())
    return path


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("programs", *arguments, stdout=out)
    return out.getvalue()


def test_check_without_a_name_checks_what_ships() -> None:
    assert "request 群众诉求办理：11 个状态，31 个动作，11 个时限\n  19 个场景，142 步；没有问题" in run("check")


def test_check_of_a_file_fails_on_what_no_scenario_shows(place: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    place.write_bytes(
        TEXT.replace('type.praise = "5wd"', 'type.praise = "5wd"\ncategory.roads.normal = "7wd"').encode()
    )
    with pytest.raises(SystemExit):
        call_command("programs", "check", str(place))
    assert "时限 limit.handle.category.roads.normal 没有用到过\n" in capsys.readouterr().out


def test_check_knows_ladders_too() -> None:
    assert "craft 乡村匠人培养：5 个阶段，4 道关口，7 项条件\n  9 个场景，70 步；没有问题" in run("check", str(CRAFT))


def test_check_of_a_file_that_is_not_there_says_so() -> None:
    with pytest.raises(CommandError, match=r"nowhere\.toml：写的是读不出的文件"):
        run("check", "nowhere.toml")


@pytest.mark.django_db
def test_publish_check_and_list_a_places_own_version(place: Path) -> None:
    forget()
    assert "已发布 request 第1版，2030-01-01 00:00 起生效" in run("publish", str(place), "--since", "2030-01-01T00:00")
    assert "request         第1版  2030-01-01 00:00 至 今后" in run("list")
    with pytest.raises(CommandError, match="还没有生效的版本"):
        run("check", "request")


@pytest.mark.django_db
def test_check_of_a_key_checks_the_version_in_force(place: Path) -> None:
    forget()
    run("publish", str(place))
    assert "request 某市诉求办理" in run("check", "request")


@pytest.mark.django_db
def test_publish_refuses_what_is_untested_unless_told(place: Path) -> None:
    forget()
    scenarios.beside(place).unlink()
    with pytest.raises(CommandError, match="没有场景文件"):
        run("publish", str(place))
    assert Version.objects.count() == 0
    assert "第1版" in run("publish", str(place), "--untested")


@pytest.mark.django_db
@pytest.mark.parametrize("since", ["tomorrow", "2026-13-01T00:00"])
def test_publish_asks_for_a_time_it_can_read(place: Path, since: str) -> None:
    with pytest.raises(CommandError, match="看不懂时间"):
        run("publish", str(place), "--since", since)
