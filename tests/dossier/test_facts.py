"""F1: facts are superseded, not edited.   F2: nothing valid is asked twice.   F4: personal words are sealed."""

from datetime import date, timedelta

import pytest
from django.db import ProgrammingError, connection, transaction

from bihuan.book.models import Look
from bihuan.dossier import facts, papers, photos, questions, subjects
from bihuan.dossier.models import Fact, Question
from bihuan.lib.worktime import Duration
from bihuan.net.regions import across_regions
from tests.dossier.people import Ask, Program, page

OUTPUT = "household.annual_output"
YEAR = Duration(365, "d")
LADDER = Program(
    {
        "output": Ask(OUTPUT, "年产值", "money", max_age=YEAR, source=("town", "county")),
        "member": Ask("person.party_member", "是否党员", "flag"),
        "plan": Ask("ladder.plan", "发展打算", "text"),
    }
)


@pytest.fixture
def wang(county, at):
    questions.ensure(LADDER)
    return subjects.register("王富强", unit=county.pk, at=at)


def told(subject, value, on, at, source="town"):
    return facts.tell(subject, OUTPUT, value, source=source, by=None, at=at, since=on)


def value(subject, on, at=None):
    answer = facts.answers(subject, LADDER, on, at=at).get("output")
    return answer and answer.value


def test_F1_the_application_may_not_edit_a_fact(wang, at):
    fact = told(wang, 300_000, date(2025, 1, 1), at)
    for change in ({"value": 1}, {"until": date(2026, 1, 1)}, {"made_at": at}):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            Fact.objects.filter(pk=fact.pk).update(**change)


def test_F1_a_later_word_stands_before_an_earlier_one_and_both_stay(wang, at):
    first = told(wang, 200_000, date(2025, 1, 1), at)
    second = told(wang, 300_000, date(2026, 1, 1), at)
    assert value(wang, date(2025, 12, 31)) == 200_000
    assert value(wang, date(2026, 1, 1)) == 300_000
    assert facts.history(wang, OUTPUT) == [second, first]


def test_F1_a_correction_has_the_day_of_what_was_wrong_and_the_past_stays_as_it_was_known(wang, at):
    told(wang, 3_000_000, date(2026, 1, 1), at)
    later = at + timedelta(days=2)
    told(wang, 300_000, date(2026, 1, 1), later)
    assert value(wang, date(2026, 3, 1)) == 300_000
    assert value(wang, date(2026, 3, 1), at=at) == 3_000_000
    assert value(wang, date(2026, 3, 1), at=at - timedelta(seconds=1)) is None


def test_an_answer_taken_back_is_none_and_an_ended_one_gives_way(wang, at):
    told(wang, 300_000, date(2026, 1, 1), at)
    facts.tell(wang, OUTPUT, 500_000, source="town", by=None, at=at, since=date(2026, 1, 10), until=date(2026, 1, 20))
    assert [value(wang, date(2026, 1, day)) for day in (9, 10, 19, 20)] == [300_000, 500_000, 500_000, 300_000]
    told(wang, None, date(2026, 2, 1), at)
    assert value(wang, date(2026, 2, 2)) is None


def test_only_those_whose_word_counts_are_heard(wang, at):
    told(wang, 900_000, date(2026, 2, 1), at, source="self")
    assert value(wang, date(2026, 3, 1)) is None
    told(wang, 300_000, date(2026, 1, 1), at, source="county")
    assert value(wang, date(2026, 3, 1)) == 300_000


def test_an_answer_holds_for_so_long_from_the_day_it_was_told(wang, at):
    told(wang, 300_000, date(2020, 1, 1), at)  # told on 2026-03-02
    assert facts.answers(wang, LADDER, date(2027, 3, 2))["output"].fresh
    stale = facts.answers(wang, LADDER, date(2027, 3, 3))
    assert not stale["output"].fresh
    assert facts.plain(stale) == {}


def test_the_answers_of_a_subject_and_of_many_cost_one_query(wang, county, at, django_assert_num_queries):
    li = subjects.register("李四", unit=county.pk, at=at)
    told(wang, 300_000, date(2026, 1, 1), at)
    with django_assert_num_queries(1):
        found = facts.answers_of([wang, li], LADDER, date(2026, 3, 1))
    assert (found[wang.pk]["output"].value, found[li.pk]) == (300_000, {})


def test_F2_what_two_programs_ask_is_asked_once_and_not_at_all_where_it_is_known(wang, at):
    other = Program({"turnover": Ask(OUTPUT, "产值", "money"), "party": Ask("person.party_member", "党员", "flag")})
    on = date(2026, 3, 2)
    assert list(facts.missing([LADDER, other], wang, on)) == [OUTPUT, "person.party_member", "ladder.plan"]

    facts.tell(wang, "person.party_member", "是", source="self", by=None, at=at)
    told(wang, 300_000, date(2026, 1, 1), at, source="self")  # serves the other program; this one wants the town's word
    assert list(facts.missing([other], wang, on)) == []
    assert list(facts.missing([LADDER, other], wang, on)) == [OUTPUT, "ladder.plan"]
    assert list(facts.missing([LADDER], wang, on, only=["plan"])) == ["ladder.plan"]

    told(wang, 300_000, date(2026, 1, 1), at)
    assert list(facts.missing([LADDER, other], wang, on)) == ["ladder.plan"]
    assert list(facts.missing([LADDER, other], wang, on + timedelta(days=366))) == [OUTPUT, "ladder.plan"]


def test_F4_personal_words_are_sealed_and_opening_them_is_a_look(wang, agent, at):
    fact = facts.tell(wang, "person.bank_account", "6222020403001234567", source="self", by=agent, at=at)
    with connection.cursor() as cursor:
        cursor.execute("SELECT f::text FROM dossier_fact f")
        assert "6222020" not in cursor.fetchone()[0]
    assert fact.value == "6**"
    assert facts.reveal(fact, by=agent, purpose="发放贷款", at=at) == "6222020403001234567"
    with across_regions("the test reads looks"):
        assert Look.objects.get(subject_id=wang.pk).what == "fact"


def test_birth_and_gender_stand_on_the_subject_too(wang, at):
    facts.tell_all(wang, {"person.birth": "1990.6", "person.gender": "女"}, source="register", by=None, at=at)
    wang.refresh_from_db()
    assert (wang.born_on, wang.gender) == (date(1990, 6, 1), "female")


def test_grades_follow_the_source_and_rise_with_a_proof(wang, county, at):
    card = papers.take_in(wang, "person.id_card", [page(county.pk, at)], by=None, at=at)
    plain = facts.tell(wang, "post.name", "组长", source="village", by=None, at=at)
    proven = facts.tell(wang, "post.name", "组长", source="village", by=None, at=at, proof=card)
    assert (plain.grade, proven.grade, proven.proof) == (2, 3, card)


def test_times_that_cannot_be_are_refused(wang, at):
    with pytest.raises(facts.BadTime, match="今天以后"):
        told(wang, 1, date(2026, 3, 3), at)
    with pytest.raises(facts.BadTime, match="结束日期"):
        facts.tell(wang, OUTPUT, 1, source="town", by=None, at=at, until=date(2026, 3, 2))
    with pytest.raises(questions.NoSuchQuestion, match=r"nobody\.asks"):
        facts.tell(wang, "nobody.asks", 1, source="town", by=None, at=at)


# Papers


def test_a_paper_answers_until_it_expires_and_then_it_is_asked_again(wang, county, at):
    program = Program({"card": Ask("person.id_card", "身份证", "paper")})
    paper = papers.take_in(wang, "person.id_card", [page(county.pk, at)], by=None, at=at, expires=date(2026, 6, 30))
    last = date(2026, 6, 30)
    assert facts.answers(wang, program, last)["card"].value == str(paper.pk)
    assert papers.valid(wang, "person.id_card", last) == paper
    assert "person.id_card" in facts.missing([program], wang, last + timedelta(days=1))
    assert papers.valid(wang, "person.id_card", last + timedelta(days=1)) is None
    assert papers.expiring([wang.pk], date(2026, 6, 1)) == [paper] and not papers.expiring([wang.pk], date(2026, 5, 1))


def test_pages_of_a_paper_are_kept_and_belong_to_it_alone(wang, county, at):
    key = page(county.pk, at)
    paper = papers.take_in(wang, "person.id_card", [key], by=None, at=at)
    assert photos.drop_unclaimed(at + timedelta(days=2)) == 0
    assert [photo.key for photo in photos.held("paper", paper.pk)] == [key] == paper.photos
    with pytest.raises(photos.BadPhoto, match="失效"):
        papers.take_in(wang, "person.id_card", [key], by=None, at=at)
    with pytest.raises(papers.BadPaper, match="请上传"):
        papers.take_in(wang, "person.id_card", [], by=None, at=at)
    with pytest.raises(papers.BadPaper, match="有效期"):
        papers.take_in(wang, "person.id_card", [page(county.pk, at)], by=None, at=at, expires=date(2026, 3, 1))


# Questions


def test_the_bank_is_well_formed():
    types = {"text", "number", "money", "date", "choice", "flag", "paper"}
    for question in questions.bank().values():
        assert question.type in types and question.title and bool(question.choice) == (question.type == "choice")


def test_ensuring_twice_changes_nothing_and_new_choices_are_added(db):
    questions.ensure(LADDER)
    questions.ensure(LADDER)
    wider = Program({"trade": Ask("trade.kind", "产业", "choice", choices={"planting": "种植业", "bees": "养蜂"})})
    questions.ensure(wider)
    trade = Question.objects.get(pk="trade.kind")
    assert trade.title == "所属产业" and trade.choices["planting"] == "种植" and trade.choice[-1] == ["bees", "养蜂"]
    assert Question.objects.get(pk="ladder.plan").title == "发展打算"


def test_the_same_question_cannot_be_of_two_types(db):
    with pytest.raises(questions.QuestionDiffers, match=r"年产值.*金额.*文字"):
        questions.ensure(Program({"output": Ask(OUTPUT, "产值", "text")}))


@pytest.mark.parametrize(
    ("key", "said", "value"),
    [
        (OUTPUT, "30万元", 300_000),
        (OUTPUT, "1.25万", 12_500),
        (OUTPUT, "３００，０００", 300_000),
        (OUTPUT, 12.5, 12.5),
        (OUTPUT, "0.3亿", 30_000_000),
        ("household.land", "20亩", 20),
        ("person.birth", "1985年6月", "1985-06-01"),
        ("person.birth", "19850612", "1985-06-12"),
        ("person.birth", date(1985, 6, 12), "1985-06-12"),
        ("person.education", "高中", "senior"),
        ("person.education", "大专", "college"),
        ("person.party_member", "是", True),
        ("person.party_member", "群众", False),
        ("person.party_member", False, False),
        ("person.honours", "  县劳模 ", "县劳模"),
        ("person.honours", "", None),
    ],
)
def test_what_people_write_becomes_a_value(key, said, value):
    assert questions.value_of(questions.bank()[key], said) == value


@pytest.mark.parametrize(
    ("key", "said", "says"),
    [
        (OUTPUT, "三十万", "应填数"),
        (OUTPUT, "-1", "应在 0 到"),
        (OUTPUT, "NaN", "应在 0 到"),
        ("person.birth", "1985年13月", "应是日期"),
        ("person.education", "博导", "应选：小学"),
        ("person.party_member", "也许", "“是”或“否”"),
        ("person.honours", "奖" * 2001, "最多 2000 个字"),
        ("person.id_card", "有", "要上传"),
    ],
)
def test_what_does_not_answer_is_refused_with_what_would(key, said, says):
    with pytest.raises(questions.BadAnswer, match=says):
        questions.value_of(questions.bank()[key], said)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        (OUTPUT, 300_000, "30万元"), (OUTPUT, 12_345, "1.2345万元"), (OUTPUT, 900, "900元"),
        ("household.land", 20.5, "20.5亩"), ("person.education", "college", "大专"), ("person.party_member", False, "否"),
        ("person.birth", "1985-06-01", "1985-06-01"), ("person.honours", None, ""),
    ],
)  # fmt: skip
def test_values_are_shown_as_people_read_them(key, value, says):
    assert questions.shown(questions.bank()[key], value) == says
