"""Appointing, ending, and N2: nobody decides about themselves."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from bihuan.net import postings, tree
from bihuan.net.models import Person, Posting, Role, Token
from bihuan.net.people import AccountFault, change_password, one_time_password, open_account, reset_password
from bihuan.net.postings import AboutOneself, Consequence, PostingFault
from bihuan.net.scope import OutOfScope
from tests.net.conftest import AT, BORN, County

TODAY = AT.date()


@pytest.fixture
def moved() -> Iterator[list[tuple[int, bool]]]:
    """What the hook of a higher package was told."""
    calls: list[tuple[int, bool]] = []

    def hook(posting: Posting, *, by: Posting | None, at: object, act: bool) -> list[Consequence]:
        calls.append((posting.pk, act))
        return [Consequence("转到单位待办", "2103812603020000015")]

    postings.on_end.append(hook)
    yield calls
    postings.on_end.remove(hook)


def test_a_posting_holds_from_its_first_day_until_before_its_last(county: County) -> None:
    held = county.post("王书记", county.nanguan, Role.GRID_WORKER)
    held.until = date(2026, 3, 1)
    held.save()
    assert postings.current(held.person, date(2026, 2, 28)) == [held]
    assert postings.current(held.person, date(2026, 3, 1)) == []
    assert postings.current(held.person, BORN - timedelta(days=1)) == []
    assert list(postings.holders(county.nanguan.id, Role.GRID_WORKER, BORN)) == [held]


def test_the_main_post_comes_first(county: County) -> None:
    acting = county.post("王书记", county.nanguan, Role.CHIEF, holding="acting")
    main = postings.appoint(acting.person, county.haizhou, Role.HANDLER, since=BORN, by=None)
    assert postings.current(acting.person, TODAY) == [main, acting]


def test_a_posting_in_a_closed_unit_holds_nothing(county: County) -> None:
    held = county.post("李科长", county.team, Role.CHIEF)
    tree.merge_units([county.team], county.housing, on=TODAY, at=AT)
    assert [posting.unit for posting in postings.current(held.person, TODAY)] == [county.housing]


def test_ending_lists_what_moves_first_and_moves_it_then(county: County, moved: list[tuple[int, bool]]) -> None:
    admin = county.post("管理员", county.county)
    held = county.post("李科长", county.housing, Role.HANDLER)
    Token.objects.create(posting=held, name="热线", digest="0" * 64, made_at=AT)
    assert [str(what.number) for what in postings.consequences(held, by=admin, at=AT)] == ["2103812603020000015"]
    ended = postings.end(held, on=TODAY, by=admin, at=AT)
    assert [what.says for what in ended] == ["转到单位待办"]
    assert moved == [(held.pk, False), (held.pk, True)]
    assert Token.objects.get().revoked_at == AT  # a key acts as its posting and ends with it
    with pytest.raises(PostingFault, match="已经结束"):
        postings.end(held, on=TODAY, by=admin, at=AT)


def test_n2_nobody_appoints_or_dismisses_themselves(county: County) -> None:
    admin = county.post("管理员", county.county)
    with pytest.raises(AboutOneself):
        postings.appoint(admin.person, county.housing, Role.CHIEF, since=TODAY, by=admin)
    with pytest.raises(AboutOneself):
        postings.end(admin, on=TODAY, by=admin, at=AT)


def test_n2_an_earlier_verdict_counts_for_every_posting_of_the_person(county: County) -> None:
    handler = county.post("李科长", county.housing, Role.HANDLER)
    checker = postings.appoint(handler.person, county.first, Role.GRID_WORKER, since=BORN, by=None)
    other = county.post("赵网格员", county.first, Role.GRID_WORKER)
    assert postings.is_same_person(checker, handler.pk) and postings.is_same_person(handler, handler.pk)
    assert not postings.is_same_person(other, handler.pk)
    assert not postings.is_same_person(other, None)


def test_an_administrator_appoints_only_in_the_own_area(county: County) -> None:
    admin = county.post("管理员", county.haizhou)
    with pytest.raises(OutOfScope):
        postings.appoint(Person.objects.create(name="新人"), county.housing, Role.HANDLER, since=TODAY, by=admin)


def test_a_one_time_password_is_stored_as_a_hash_and_must_be_changed(county: County) -> None:
    person = Person.objects.create(name="新人")
    given = open_account(person, "xinren")
    assert person.user.check_password(given.password)
    assert given.password not in person.user.password
    assert person.must_change_password
    with pytest.raises(AccountFault, match="现在的密码不对"):
        change_password(person, old="wrong", new="海城的雪-2026-真大")
    with pytest.raises(AccountFault):
        change_password(person, old=given.password, new="12345")
    change_password(person, old=given.password, new="海城的雪-2026-真大")
    assert not person.must_change_password
    assert reset_password(person).password != given.password
    with pytest.raises(AccountFault, match="已经有账号"):
        open_account(person, "other")


def test_passwords_differ_and_have_no_letters_mistaken_for_others() -> None:
    made = {one_time_password() for _ in range(200)}
    assert len(made) == 200
    assert not set("".join(made)) & set("01oil")
