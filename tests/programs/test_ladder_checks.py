"""Checks of ladders: the invented one is without findings, each way of breaking it is found, and who is held is told."""

from pathlib import Path

import pytest

from bihuan.ladder import kind
from bihuan.programs import document
from bihuan.programs.checks import check

CRAFT = Path(__file__).with_name("craft.toml")
TEXT = document.read(CRAFT)


@pytest.fixture(autouse=True, scope="module")
def ladders() -> None:
    kind.register()


def edited(*edits: tuple[str, str]) -> document.LadderProgram:
    text = TEXT
    for old, new in edits:  # each edit changes the first place that is left
        assert old in text
        text = text.replace(old, new, 1)
    return document.load(text)


def findings(*edits: tuple[str, str]) -> set[tuple[str, str]]:
    return {(finding.key, finding.where) for finding in check(edited(*edits))}


def test_the_invented_ladder_is_without_findings() -> None:
    assert check(edited()) == []


BROKEN: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("unknown", "gate.admit.to", [('to = "pool"', 'to = "pond"')]),
    ("unknown", "gate.admit.must", [('must = ["grown", "working_age"]', 'must = ["grown", "young"]')]),
    ("unknown", "gate.admit.need.of", [('need = { of = ["busy"', 'need = { of = ["buzzy"')]),
    ("unknown", "gate.admit.asks", [('asks = ["birth", "skill"', 'asks = ["birth", "kill"')]),
    ("unknown", "gate.admit.tells.opened", [('opened = ["received"]', 'opened = ["recieved"]')]),
    ("unknown", "gate.admit.notice.after", [('objection = "10wd" }', 'objection = "10wd", after = "county" }')]),
    ("unknown", "gate.raise.rank", [('by = "works", order = "desc", then', 'by = "words", order = "desc", then')]),
    ("unknown", "test.grown.if", [('{ ask = "birth", before = "18y" }', '{ ask = "born", before = "18y" }')]),
    ("unknown", "test.rare.if", [('count_of = ["busy", "earning"', 'count_of = ["buzzy", "earning"')]),
    ("unknown", "clock.wait.lapse", [('lapse = "give_up"', 'lapse = "give_in"')]),
    ("unknown", "duty.visit.in", [('in = ["crafting"]', 'in = ["craft"]')]),
    ("unknown", "duty.visit.entry", [('entry = "visits"', 'entry = "calls"')]),
    ("unknown", "policy.kit.measure", [('measure = "visits"', 'measure = "kits"')]),
    ("unknown", "stage.left.result", [('result = "left"', 'result = "gone"')]),
    ("unknown", "migrate.1.stage", [("[open]", '[migrate.1]\nstage.old = "new"\n\n[open]')]),
    ("not_in_kind", "gate.admit.opens", [('"subject", "secretary@village"', '"subject", "mayor@village"')]),
    ("not_in_kind", "move.leave.verb", [('verb = "leave"', 'verb = "depart"')]),
    ("not_in_kind", "duty.visit.by", [('by = "answerable"', 'by = "friend"')]),
    ("not_in_kind", "message.placed.text", [("您现在是{stage}", "您现在是{state}")]),
    ("no_owner", "stage.pool", [('owner = "secretary@village"\n', "")]),
    ("no_clock", "stage.master", [('clocks = ["look"]\n', "")]),
    ("final_with_owner", "stage.left", [("final = true", 'final = true\nowner = "organiser@town"')]),
    ("no_result", "stage.left", [('result = "left"\n', "")]),
    ("no_result", "stage.pool", [('clocks = ["wait"]', 'clocks = ["wait"]\nresult = "left"')]),
    ("unreachable_state", "stage.master", [('to = "master"', 'to = "crafting"')]),
    ("unreachable_move", "gate.keep", [('lapse = "keep"', 'lapse = "up"\nrepeat = "365d"')]),
    ("unclocked", "stage.crafting", [('lapse = "keep"', 'lapse = "up"')]),
    ("lapse_nowhere", "clock.wait", [('to = "left"\nby = ["clock"]', 'to = "left"\nby = ["subject"]')]),
    (
        "no_way_out",
        "stage.master",
        [('from = ["pool", "crafting", "master"]', 'from = ["pool", "crafting"]'), ('["crafting", "master"]', '["crafting"]')],
    ),
    ("two_moves", "move.keep", [("[move.give_up]", "[move.keep]"), ('lapse = "give_up"', 'lapse = "keep"')]),
    ("test_type", "test.busy.if", [('ask = "works", gte = 12', 'ask = "works", before = 2020-01-01')]),
    ("test_type", "test.rare.if", [('in = ["stone", "weave"]', 'in = ["stone", "clay"]')]),
    ("test_type", "test.local.if", [('ask = "lives_here", eq = true', 'ask = "lives_here", eq = "yes"')]),
    ("test_sealed", "test.local.if", [('ask = "lives_here", eq = true', 'ask = "phone", eq = "1"')]),
    ("test_circle", "test.rare.if", [('count_of = ["busy", "earning"', 'count_of = ["rare", "earning"')]),
    (
        "unanswerable",
        "ask.works",
        [('"skill", "works", "income"', '"skill", "income"'), ('source = ["self", "village"]\n\n[ask.income]', "\n[ask.income]")],
    ),
    ("age_not_days", "ask.works.max_age", [('max_age = "365d"', 'max_age = "250wd"')]),
    ("need_too_many", "gate.admit.need.at_least", [("at_least = 2", "at_least = 5")]),
    ("need_too_many", "test.rare.if", [('"recommended"], gte = 2', '"recommended"], gte = 4')]),
    ("need_is_must", "gate.admit.need", [("at_least = 2", "at_least = 4")]),
    ("review_levels", "gate.admit.review.town.by", [('"leader@town"', '"leader@county"')]),
    ("review_levels", "gate.keep.review.town.by", [('by = ["organiser@town"]\nlimit', 'by = ["subject"]\nlimit')]),
    ("review_down", "gate.admit.review.town.by", [('by = ["secretary@village"]', 'by = ["secretary@county"]')]),
    ("only_own_unit", "gate.keep", [('by = ["organiser@town"]\nlimit', 'by = ["secretary@village"]\nlimit')]),
    (
        "nobody_settles",
        "gate.keep",
        [("[gate.keep.review.town]", "[gate.raise.review.town]"), ('opens = ["clock"]', 'opens = ["clock"]\nappeal = "10wd"')],
    ),
    ("clock_asks", "gate.keep", [('opens = ["clock"]', 'opens = ["clock"]\nmust = ["busy"]')]),
    ("notice_short", "gate.admit.notice.limit", [('limit = "5wd", scope', 'limit = "6d", scope')]),
    ("no_appeal", "gate.drop", [('appeal = "10wd"\n', "")]),
    ("free_without_cap", "move.place", [('cap = { per = "town", n = 2 }\n', ""), ('"stage.crafting.cap.n" = "more"\n', "")]),
    ("cap_below_floor", "stage.crafting", [('n = 2 }', 'n = 2 }\nfloor = { per = "town", n = 3 }')]),
    ("rank_type", "gate.raise.rank", [('order = "desc", then = "income"', 'order = "desc", then = "skill"')]),
    ("not_here", "gate.admit.tells.passed", [("您已进入{program}（{stage}）", "您已进入{program}（{why}）")]),
    ("most_below_least", "policy.kit", [("most = 3000", "most = 3000\nleast = 4000")]),
    ("english_orphan", "en.step", [('rank = "Ranking"', 'rang = "Ranking"')]),
    ("english_variables", "en.message.overdue", [("looked in on {name}", "looked in on them")]),
    ("english_missing", "choice.skill.stone", [('stone = "Stone"\n', "")]),
    (
        "unused",
        "ask.letter",
        [('"lives_here", "letter",', '"lives_here",'), ('ask = "letter", has = true', 'ask = "phone", has = true')],
    ),
    ("unused", "test.local", [('"earning", "local", "recommended"], at', '"earning", "recommended"], at')]),
    ("unused", "message.placed", [('tells = ["placed"]\n', "")]),
]  # fmt: skip


@pytest.mark.parametrize(("key", "where", "edits"), BROKEN, ids=[f"{key}-{where}" for key, where, _ in BROKEN])
def test_a_broken_ladder_is_found(key: str, where: str, edits: list[tuple[str, str]]) -> None:
    assert (key, where) in findings(*edits)


def test_a_ladder_nobody_can_come_onto_has_no_way_in() -> None:
    assert ("no_way_in", "gate") in findings(("from = []", 'from = ["pool"]'))


def test_who_can_hold_everybody_is_told_as_a_story() -> None:
    """Nobody may leave but with the town's word: when the town keeps silent, one stays for ever."""
    program = edited(('from = ["pool", "crafting", "master"]', 'from = ["pool"]'))
    held = [finding for finding in check(program) if finding.key == "held_by_one"]
    assert {finding.where for finding in held} >= {"gate.keep.town", "stage.master"}
    (story,) = (f.reason for f in held if f.where == "stage.master" and f.reason.startswith("只要乡镇一直不办"))
    assert "① 入库 ② 村级初选：同意 ③ 乡镇审核：同意 ④ 村内公示期满 ⑤ 补上名额" in story
    assert story.endswith("到“师傅”，乡镇一直不办，此后只能回到“师傅”，到不了终点")


def test_a_step_that_waits_for_one_party_alone_cannot_be_written() -> None:
    """Each review has a limit and a lapse; at the top, silence is a no. So no step of a gate ever holds anybody."""
    found = findings(
        ('lapse = "fail"', 'lapse = "up"'), ('lapse = "pass"', 'lapse = "up"'), ('lapse = "fail"', 'lapse = "up"')
    )
    assert found == set()


def test_every_place_has_a_clock_or_is_an_end() -> None:
    from bihuan.programs.ladder_course import ladder_walk

    program = edited()
    walk = ladder_walk(program)
    assert len(walk.ways) > 20
    assert all(place.running or place.gate or place.is_end(program) or place.stage is None for place in walk.ways)
