"""F4: who somebody is lives in the dossier only, sealed where it identifies, and can be forgotten."""

from datetime import date

import pytest
from django.db import connection

from bihuan.book.looks import PurposeMissing
from bihuan.book.models import Look
from bihuan.dossier import facts, papers, photos, questions, subjects
from bihuan.dossier.models import Fact, Kin, Paper, Photo, Subject
from bihuan.lib.codes import BadPhone, BadResidentId
from bihuan.net.models import Person, Unit
from bihuan.net.regions import across_regions
from tests.dossier.people import identity, page

PHONE, HIS = "13812345678", identity("19850601", 1)


@pytest.fixture
def wang(county, at):
    return subjects.register("王富强", unit=county.pk, at=at, phone=PHONE, identity=HIS)


def test_F4_phone_and_identity_are_sealed_and_masked(wang):
    with connection.cursor() as cursor:
        cursor.execute("SELECT s::text FROM dossier_subject s")
        row = cursor.fetchone()[0]
    assert PHONE not in row and HIS not in row and "345678" not in row
    assert (wang.phone_mask, wang.identity_mask) == ("138****5678", f"2104**********{HIS[-4:]}")


def test_the_identity_number_tells_birth_and_gender(wang):
    assert (wang.born_on, wang.gender) == (date(1985, 6, 1), "male")


def test_what_contradicts_the_identity_number_is_refused(county, at):
    with pytest.raises(subjects.BadSubject, match="性别与身份证号码不一致") as refused:
        subjects.register("王富强", unit=county.pk, at=at, identity=HIS, gender="female")
    assert refused.value.field == "gender"
    with pytest.raises(subjects.BadSubject, match="出生日期与身份证号码不一致"):
        subjects.register("王富强", unit=county.pk, at=at, identity=HIS, born_on=date(1985, 7, 1))


@pytest.mark.parametrize(
    ("facts", "error", "says"),
    [
        ({"name": " "}, subjects.BadSubject, "请填写姓名"),
        ({"name": "王" * 81}, subjects.BadSubject, "姓名太长"),
        ({"phone": "1381234567"}, BadPhone, "11位"),
        ({"identity": HIS[:-1] + ("0" if HIS[-1] != "0" else "1")}, BadResidentId, "有一位不对"),
        ({"born_on": date(2030, 1, 1)}, subjects.BadSubject, "今天以后"),
    ],
)
def test_what_cannot_be_right_is_refused_with_a_sentence(county, at, facts, error, says):
    with pytest.raises(error, match=says):
        subjects.register(**{"name": "王富强", "unit": county.pk, "at": at} | facts)


def test_the_same_identity_number_is_registered_once(wang, county, at):
    with pytest.raises(subjects.AlreadyKnown, match=wang.no) as known:
        subjects.register("王富", unit=county.pk, at=at, identity=HIS.lower())
    assert known.value.subject == wang


def test_a_unit_is_a_subject_once(county, at):
    assert subjects.of_unit(county.pk, at=at) == subjects.of_unit(county.pk, at=at)
    assert Subject.objects.get(kind="unit").name == county.name


def test_a_search_by_phone_is_a_look(wang, agent, at):
    with pytest.raises(PurposeMissing):
        subjects.find(phone=PHONE, by=agent, purpose=" ", at=at)
    assert subjects.find(phone="138 1234 5678", by=agent, purpose="来电核对", at=at) == [wang]
    assert subjects.find(identity=HIS, by=agent, purpose="来电核对", at=at) == [wang]
    with across_regions("the test counts looks"):
        assert Look.objects.filter(what="search", subject_id=None).count() == 2


def test_a_look_into_a_dossier_is_recorded_with_its_subject(wang, agent, at):
    shown = subjects.reveal(wang, by=agent, purpose="通知面谈", at=at)
    assert (shown.phone, shown.identity) == (PHONE, HIS)
    with across_regions("the test reads looks"):
        look = Look.objects.get(subject_id=wang.pk)
    assert (look.what, look.posting, look.purpose) == ("subject", agent.pk, "通知面谈")


def test_a_sealed_value_does_not_open_in_another_row(wang, county, at):
    other = subjects.register("李四", unit=county.pk, at=at)
    other.phone_sealed = wang.phone_sealed
    with pytest.raises(subjects.vault.Unreadable):
        subjects._open(other, "phone")


def test_the_tail_of_the_phone_opens_the_public_page(wang):
    assert subjects.tail_fits(wang, "5678") and not subjects.tail_fits(wang, "5679")


def test_names_are_found_in_characters_and_in_letters(wang, county):
    for words in ("富强", "王富强", "wangfu", "wfq"):
        assert subjects.named(words, county.pk) == [wang]
    assert subjects.named("fq", county.pk) == [] == subjects.named("%", county.pk)


def test_kin_and_the_person_may_not_decide(county, at):
    himself, wife = Person.objects.create(name="王富强"), Person.objects.create(name="赵兰")
    wang = subjects.register("王富强", unit=county.pk, at=at, person=himself)
    subjects.relate(wang, wife, "妻子")
    subjects.relate(wang, wife, "配偶")
    assert subjects.close_people(wang) == {himself.pk, wife.pk}
    assert Kin.objects.get().relation == "配偶"


def test_another_phone_opens_and_the_old_one_no_longer(wang, agent, at):
    subjects.change(wang, phone="13900001111")
    assert subjects.tail_fits(wang, "1111") and not subjects.tail_fits(wang, "5678")
    assert subjects.find(phone=PHONE, by=agent, purpose="核对", at=at) == []


def test_subjects_follow_their_unit_when_the_net_changes(wang, county):
    Unit.objects.filter(pk=county.pk).update(l2=77)
    assert subjects.place_anew() == 1 and subjects.place_anew() == 0
    wang.refresh_from_db()
    assert (wang.l2, wang.l3) == (77, county.pk)


def test_F4_erasing_forgets_everything_that_is_personal(wang, county, agent, at, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    questions.ensure()
    facts.tell(wang, "person.home", "后安镇四道河村三组", source="self", by=agent, at=at)
    papers.take_in(wang, "person.id_card", [page(county.pk, at)], by=agent, at=at)
    subjects.relate(wang, Person.objects.create(name="赵兰"), "妻子")

    subjects.erase(wang, by=agent, at=at, ground="本人申请")

    wang.refresh_from_db()
    assert wang.name == "已清除" and wang.erased_at == at and wang.no
    sealed = ("phone_sealed", "phone_index", "tail_index", "identity_sealed", "identity_index", "born_on", "person_id")
    assert [getattr(wang, column) for column in sealed] == [None] * len(sealed)
    assert not any(model.objects.exists() for model in (Fact, Paper, Kin, Photo))
    photos.drop_unclaimed(at.replace(year=at.year + 1))
    assert not list(tmp_path.rglob("*.jpg"))
    with across_regions("the test reads looks"):
        assert Look.objects.get(what="erase").subject_id == wang.pk
    with pytest.raises(subjects.Erased):
        subjects.reveal(wang, by=agent, purpose="看看", at=at)
    with pytest.raises(subjects.Erased):
        facts.tell(wang, "person.home", "别处", source="self", by=agent, at=at)


def test_a_new_key_seals_everything_again(wang, agent, at, settings):
    questions.ensure()
    home = facts.tell(wang, "person.home", "后安镇四道河村三组", source="self", by=agent, at=at)
    settings.VAULT_OLD_KEYS, settings.VAULT_KEY = [settings.VAULT_KEY], bytes(range(32))
    assert (subjects.rotate(), facts.rotate()) == ((0, 1), (0, 1))
    assert (subjects.rotate(), facts.rotate()) == ((0, 0), (0, 0))
    settings.VAULT_OLD_KEYS = []
    wang.refresh_from_db()
    home.refresh_from_db()
    assert subjects.reveal(wang, by=agent, purpose="核对", at=at).phone == PHONE
    assert facts.reveal(home, by=agent, purpose="上门", at=at) == "后安镇四道河村三组"
