"""The static checks: the shipped program has none to report, and each way of breaking it is found."""

import pytest

from bihuan.programs import document
from bihuan.programs.checks import RULES, check, errors
from bihuan.programs.kinds import UnknownKind, kind_of
from tests.programs import test_ladder_checks
from tests.programs.test_document import PACK, TEXT


def findings(*edits: tuple[str, str]) -> set[tuple[str, str]]:
    text = TEXT
    for old, new in edits:  # each edit changes the first place that is left
        assert old in text
        text = text.replace(old, new, 1)
    return {(finding.key, finding.where) for finding in check(document.load(text))}


def test_the_shipped_program_is_without_findings() -> None:
    assert check(document.load_file(PACK)) == []


BROKEN: list[tuple[str, str, list[tuple[str, str]]]] = [
    (
        "unknown",
        "move.accept.to",
        [('to = "accepted"\nby = ["agent", "dispatcher", "clock"]', 'to = "here"\nby = ["agent", "clock"]')],
    ),
    ("unknown", "move.file.starts", [('starts = ["accept"]', 'starts = ["acept"]')]),
    ("unknown", "clock.sign.limit", [('limit = "sign"', 'limit = "singing"')]),
    ("unknown", "move.file.tells", [('tells = ["received"]', 'tells = ["recieved"]')]),
    ("unknown", "move.hand_back.reasons", [('reasons = "hand_back"', 'reasons = "hand_backs"')]),
    ("unknown", "move.answer.results", [('results = ["answered"]', 'results = ["told"]')]),
    ("unknown", "limit.handle.type", [("type.inquiry", "type.enquiry")]),
    ("unknown", "limit.handle.category.utilities", [("category.utilities.normal", "category.utilities.calm")]),
    ("unknown", "migrate.1.state", [("[en.program]", '[migrate.1]\nstate.parked = "filled"\n\n[en.program]')]),
    ("not_in_kind", "state", [("[state.filed]", "[state.parked]")]),
    ("not_in_kind", "move.sign.verb", [('verb = "sign"', 'verb = "autograph"')]),
    ("not_in_kind", "move.uphold.outcome", [('outcome = "uphold"\ntitle', 'outcome = "maybe"\ntitle')]),
    ("not_in_kind", "state.replied.owner", [('owner = "chief"', 'owner = "chef"')]),
    ("not_in_kind", "move.withdraw.by", [('by = ["resident", "agent"]', 'by = ["resident", "anybody"]')]),
    ("not_in_kind", "message.done.text", [("有结果了：{result}", "有结果了：{phone}")]),
    ("not_in_kind", "message.done.text", [("有结果了：{result}", "有结果了：{result.__class__}")]),
    ("not_in_kind", "message.late_above.audience", [('audience = "above"', 'audience = "press"')]),
    ("two_moves", "move.send_back", [('outcome = "send_back"', 'outcome = "pass"')]),
    ("no_owner", "state.filed", [('owner = "dispatcher"\n', "")]),
    ("no_clock", "state.filed", [('clocks = ["accept"]\n', "")]),
    ("final_with_owner", "state.closed", [("final = true", 'final = true\nowner = "chief"')]),
    ("no_ending", "move.confirm", [('ending = "confirmed"\n', "")]),
    (
        "ending_unused_here",
        "move.deny",
        [('to = "handling"\nby = ["resident"]', 'to = "handling"\nending = "called"\nby = ["resident"]')],
    ),
    ("reason_list", "move.hand_back", [('needs = ["reason", "text"]', 'needs = ["text"]')]),
    ("result_list", "move.reply", [('needs = ["text", "result"]', 'needs = ["text"]')]),
    ("unreachable_state", "state.verifying", [('to = "verifying"', 'to = "calling_back"')]),
    (
        "unreachable_move",
        "move.close_unverified",
        [('lapse = "close"\noutcome = "unverified"', 'lapse = "lapse"\noutcome = "up"\nrepeat = "1wd"')],
    ),
    (
        "no_way_out",
        "state.returned",
        [
            ('from = ["returned"]\nto = "accepted"', 'from = ["returned"]\nto = "returned"'),
            ('from = ["returned"]\nto = "dispatched"', 'from = ["returned"]\nto = "returned"'),
            ('"dispatched", "returned", "signed", "handling", "replied", "calling_back"]', '"dispatched", "replied"]'),
        ],
    ),
    ("unclocked", "state.returned", [('starts = ["rule"]', "starts = []")]),
    ("unclocked", "state.calling_back", [('starts = ["call_back"]', "starts = []")]),
    (
        "lapse_nowhere",
        "clock.sign",
        [
            (
                'by = ["handler", "chief", "grid_worker", "clock"]\nstops = ["sign"]',
                'by = ["handler", "chief", "grid_worker"]\nstops = ["sign"]',
            )
        ],
    ),
    ("lapse_nowhere", "clock.handle", [('stops = ["rule", "handle"]', 'stops = ["rule"]')]),
    ("promise_untold", "move.dispatch", [('tells = ["assigned", "new_work"]', 'tells = ["new_work"]')]),
    ("change_untold", "move.uphold", [('tells = ["reassigning"]\n', "")]),
    ("due_without_promise", "move.accept", [("编号{number}，正在安排由谁来办", "编号{number}，{due}前告诉您")]),
    (
        "until_without_window",
        "move.confirm",
        [("（{number}）已办结。以后有事", "（{number}）已办结，{until}前可以再来。以后有事"), ('within = "30d"\n', "")],
    ),
    ("english_orphan", "en.state", [('signed = "To be contacted"', 'singed = "To be contacted"')]),
    ("english_variables", "en.message.urged", [("urged those in charge ({number})", "urged those in charge")]),
    ("english_missing", "state.signed", [('signed = "To be contacted"\n', "")]),
    ("unused", "message.thanks", [('tells = ["thanks"]', "tells = []"), ('tells = ["thanks"]', "tells = []")]),
    ("unused", "ask.photo", [('needs = ["photo"]', "needs = []"), ('needs = ["photo", "text"]', 'needs = ["text"]')]),
    ("unused", "limit.redo", [('limit = "redo"', 'limit = "handle"')]),
    ("refinement_without_effect", "limit.handle.inquiry", [('type.inquiry = "5wd"', 'type.inquiry = "10wd"')]),
]


@pytest.mark.parametrize(("key", "where", "edits"), BROKEN, ids=[f"{key}-{where}" for key, where, _ in BROKEN])
def test_a_broken_document_is_found(key: str, where: str, edits: list[tuple[str, str]]) -> None:
    assert (key, where) in findings(*edits)


def test_a_state_that_waits_for_one_party_alone_is_found() -> None:
    """A chief who never approves, a limit that only reminds him, and nobody above: the case would wait for ever."""
    found = findings(
        ('lapse = "approve"\noutcome = "pass"', 'lapse = "urge"\nrepeat = "1wd"'),
        ('"supervisor", "leader"]\nper_day = 1', '"supervisor", "leader", "clock"]'),
        ('"handling", "replied"]\nby = ["clock"]', '"handling"]\nby = ["clock"]'),
        ('starts = ["approve"]', 'stops = ["handle", "redo"]\nstarts = ["approve"]'),
        ('"handling", "replied", "calling_back"]', '"handling"]'),
    )
    assert ("held_by_one", "state.replied") in found


def test_a_program_without_filing_has_no_way_in() -> None:
    found = findings(("from = []", 'from = ["filed"]'), ("from = []", 'from = ["filed"]'))
    assert ("no_way_in", "move") in found


def test_every_rule_is_shown_by_some_broken_document() -> None:
    shown = {key for key, _, _ in (*BROKEN, *test_ladder_checks.BROKEN)}
    assert shown | {"held_by_one", "no_way_in"} == RULES.keys()


def test_a_finding_reads_as_a_sentence() -> None:
    (finding,) = errors(document.load(TEXT.replace('reasons = "hand_back"', 'reasons = "why"')))[:1]
    assert str(finding) == "错误 move.hand_back.reasons：引用了不存在的“why”。改成已有的键之一：hand_back。"


def test_an_unregistered_kind_is_named() -> None:
    with pytest.raises(UnknownKind, match="“feast”没有登记，现有：case"):
        kind_of("feast")
