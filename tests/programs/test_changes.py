"""What changes between two documents: a path, a sentence, and a class that decides what happens to those under way."""

import pytest

from bihuan.programs.changes import Klass, diff, klass_of, told
from tests.programs.test_document import TEXT

WORDING, WIDENING, TIGHTENING, STRUCTURAL = Klass

# A ladder as far as a diff needs it.
LADDER = """
program = "ladder"
kind = "ladder"
title = "培养"
[ask.output]
title = "年产值"
type = "money"
max_age = "365d"
[test.output]
title = "产值"
if = { ask = "output", gte = 300000 }
else = "年产值不足30万元"
[stage.pool]
title = "后备"
cap = { per = "town", n = 10 }
[stage.trained]
title = "培养"
final = true
[gate.admit]
title = "入库"
from = ["pool"]
to = "trained"
opens = ["organiser@village"]
asks = ["output"]
need = { of = ["output"], at_least = 1 }
appeal = "10wd"
notice = { title = "入库公示", limit = "5wd", scope = "village", objection = "10wd" }
[gate.admit.review.village]
title = "村里审核"
by = ["secretary@village"]
limit = "5wd"
lapse = "up"
[clock.wait]
title = "等待"
limit = "90d"
lapse = "up"
"""

CASES = [
    # document, what is written, what instead, path, class, sentence
    (TEXT, 'verb = "dispatch"\ntitle = "派单"', 'verb = "dispatch"\ntitle = "交办"',
     "move.dispatch.title", WORDING, "动作“交办”的名称由“派单”改为“交办”"),
    (TEXT, '[limit.handle]\ndefault = "10wd"', '[limit.handle]\ndefault = "8wd"',
     "limit.handle.default", WIDENING, "“办理时限”由10个工作日改为8个工作日"),
    (TEXT, '[limit.handle]\ndefault = "10wd"', '[limit.handle]\ndefault = "12wd"',
     "limit.handle.default", TIGHTENING, "“办理时限”由10个工作日改为12个工作日"),
    (TEXT, '[limit.dispatch]\ndefault = "1wh"', '[limit.dispatch]\ndefault = "4h"',  # some nights later, some days sooner
     "limit.dispatch.default", TIGHTENING, "“派单时限”由1个工作小时改为4小时"),
    (TEXT, '[limit.dispatch]\ndefault = "1wh"', '[limit.dispatch]\ndefault = "1h"',  # an hour never ends later than one at work
     "limit.dispatch.default", WIDENING, "“派单时限”由1个工作小时改为1小时"),
    (TEXT, 'urgency.urgent = "1wd"', 'urgency.urgent = "1wd"\ncategory.street.normal = "8wd"',  # an inquiry had five days
     "limit.handle.category.street.normal", TIGHTENING, "“办理时限”（类别 street，紧急程度“一般”）定为8个工作日"),
    (TEXT, 'urgency.urgent = "1wd"', 'urgency.urgent = "1wd"\ncategory.street.normal = "4wd"',
     "limit.handle.category.street.normal", WIDENING, "“办理时限”（类别 street，紧急程度“一般”）定为4个工作日"),
    (TEXT, '[limit.call_back]\ndefault = "2wd"', '[limit.call_back]\ndefault = "3wd"',  # the resident's own time to answer
     "limit.call_back.default", WIDENING, "“回访时限”由2个工作日改为3个工作日"),
    (TEXT, 'within = "30d"', 'within = "60d"',
     "move.redo.within", WIDENING, "动作“没解决，重新办理”的期限由30个自然日改为60个自然日"),
    (TEXT, "at_most = 2", "at_most = 3",  # officials may pass it on once more
     "move.hand_back.at_most", TIGHTENING, "动作“退单”的次数上限由2改为3"),
    (TEXT, 'needs = ["place"]', 'needs = ["place", "text"]',
     "move.place.needs", TIGHTENING, "动作“定位到网格”的必填内容增加“说明”"),
    (TEXT, 'needs = ["contacted", "satisfied"]\nending', 'needs = ["contacted"]\nending',
     "move.call_solved.needs", WIDENING, "动作“回访：已解决”的必填内容去掉“满意程度”"),
    (TEXT, '[result.planned]', '[result.handed_over]\ntitle = "已移交"\n[result.planned]',
     "result.handed_over", WIDENING, "新增办理结果“已移交”"),
    (TEXT, 'by = ["resident", "agent", "caller"]', 'by = ["agent", "caller"]',
     "move.redo.by", TIGHTENING, "动作“没解决，重新办理”的由谁来做去掉群众"),
    (TEXT, '[state.returned]\n', '[state.sent_back]\n',
     "state.returned", STRUCTURAL, "取消状态“退单待定”"),
    (LADDER, "gte = 300000", "gte = 200000", "test.output.if.gte", WIDENING, "条件“产值”的条件的gte由300000改为200000"),
    (LADDER, "at_least = 1", "at_least = 2", "gate.admit.need.at_least", TIGHTENING,
     "关口“入库”的达标要求的至少符合几条由1改为2"),
    (LADDER, 'cap = { per = "town", n = 10 }', 'cap = { per = "town", n = 12 }', "stage.pool.cap.n", WIDENING,
     "阶段“后备”的名额的人数由10改为12"),
    (LADDER, '"secretary@village"]\nlimit = "5wd"', '"secretary@village"]\nlimit = "3wd"',
     "gate.admit.review.village.limit", WIDENING, "关口“入库”的审核步骤“村里审核”的时限由5个工作日改为3个工作日"),
    (LADDER, "[clock.wait]", '[gate.admit.review.town]\ntitle = "镇里审核"\nby = ["secretary@town"]\nlimit = "5wd"\n[clock.wait]',
     "gate.admit.review.town", TIGHTENING, "新增关口“入库”的审核步骤“镇里审核”"),
    (LADDER, 'appeal = "10wd"', 'appeal = "15wd"', "gate.admit.appeal", WIDENING,
     "关口“入库”的申诉期由10个工作日改为15个工作日"),
    (LADDER, 'appeal = "10wd"\n', "", "gate.admit.appeal", TIGHTENING, "关口“入库”的申诉期不再规定（原为10个工作日）"),
    (LADDER, 'max_age = "365d"', 'max_age = "180d"', "ask.output.max_age", TIGHTENING,
     "要填的内容“年产值”的有效期由365个自然日改为180个自然日"),
    (LADDER, "[stage.pool]", "[stage.reserve]", "stage.pool", STRUCTURAL, "取消阶段“后备”"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("doc", "old", "new", "path", "klass", "sentence"), CASES, ids=[c[3] + c[2][-9:] for c in CASES]
)
def test_a_change_has_a_path_a_sentence_and_a_class(doc, old, new, path, klass, sentence) -> None:  # type: ignore[no-untyped-def]
    assert old in doc
    found = {change.path: change for change in diff(doc, doc.replace(old, new, 1))}
    assert (found[path].klass, found[path].sentence) == (klass, sentence)


# Better for some and worse for others: it tightens both ways.
BOTH_WAYS = ('default = "4h"', 'category.street.normal = "8wd"')


@pytest.mark.parametrize(
    "case", [c for c in CASES if c[4] in (WIDENING, TIGHTENING) and not c[2].endswith(BOTH_WAYS)], ids=lambda c: c[3]
)
def test_what_widens_tightens_when_it_is_taken_back(case) -> None:  # type: ignore[no-untyped-def]
    doc, old, new, path, klass, _ = case
    back = {change.path: change.klass for change in diff(doc.replace(old, new, 1), doc)}
    taken_away = STRUCTURAL if path.startswith("result") else {WIDENING: TIGHTENING, TIGHTENING: WIDENING}[klass]
    assert back[path] == taken_away


def test_the_same_document_laid_out_otherwise_has_no_changes() -> None:
    assert diff(TEXT, TEXT.replace("\n\n", "\n").replace("# ", "# !")) == []
    assert klass_of([]) == WORDING


def test_what_no_rule_knows_counts_as_tightening() -> None:
    changes = diff(LADDER, LADDER.replace('lapse = "up"\n[clock', 'lapse = "pass"\n[clock'))
    assert [(change.path, change.klass) for change in changes] == [("gate.admit.review.village.lapse", TIGHTENING)]


def test_english_and_what_is_open_are_wording() -> None:
    changes = diff(
        TEXT, TEXT.replace('praise = "Praise"', 'praise = "Thanks"') + '\n[open]\n"limit.sign.default" = "shorter"\n'
    )
    assert {change.klass for change in changes} == {WORDING}


def test_the_worst_change_gives_the_class_and_is_told_first() -> None:
    changes = diff(TEXT, TEXT.replace("at_most = 2", "at_most = 3").replace('title = "定位到网格"', 'title = "定位"'))
    assert klass_of(changes) == TIGHTENING
    assert [line for line in told(changes) if not line.startswith(" ")] == [
        "收紧（正在办的留在原版本，可以写明理由逐件改）", "措辞（正在办的也按新的说法）",
    ]  # fmt: skip
