"""What checks say: each rule as data with severity, reason and remedy; what was found, with its place.

Here are also the checks that hold for words of every kind: names that must exist, and English.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from bihuan.programs.document import Document, variables_in
from bihuan.programs.kinds import Kind
from bihuan.programs.liveness import P, Walk, held

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a check says when it fails: `reason` and `remedy` are Chinese, {0} {1} stand for what was found."""

    severity: Severity
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found, with its place in the document ("move.accept.to")."""

    key: str
    severity: Severity
    where: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{'错误' if self.severity == 'error' else '提醒'} {self.where}：{self.reason}。{self.remedy}。"


RULES: dict[str, Rule] = {
    "unknown": Rule("error", "引用了不存在的“{0}”", "改成已有的键之一：{1}"),
    "not_in_kind": Rule("error", "“{0}”不在这类事项的词汇里", "只能用：{1}"),
    "two_moves": Rule(
        "error", "与 {0} 分不清：键相同，或动词、起点、结局都相同", "改键，或改其中一个的 outcome、when、from"
    ),
    "no_way_in": Rule("error", "没有进来的路", "加一个 from = [] 的动作或关口"),
    "unreachable_state": Rule("error", "从头走，到不了这里", "加一个到这里的动作或关口，或删去它"),
    "unreachable_move": Rule(
        "error", "没有谁能走到这一步", "检查 from、after、opens、by，以及到期动作是否有时限会触发"
    ),
    "no_owner": Rule("error", "没有写由哪个岗位负责", "写上 owner"),
    "no_clock": Rule("error", "没有时限，无人办理时会停在这里", "写上 clocks，并在到这里的动作里启动"),
    "final_with_owner": Rule("error", "终点不再有负责岗位和时限", "删去 owner 和 clocks，或去掉 final"),
    "no_way_out": Rule("error", "从这里走不到终点：{0}", "加一个离开的动作"),
    "held_by_one": Rule("error", "只要{0}一直不办，事情就到不了终点：{1}", "让时限自己推进，或到期转上一级"),
    "unclocked": Rule(
        "error", "经 {0} 到这里时，这个状态的时限一个也没在走", "在那个动作里写 starts，或把时限写进 clocks"
    ),
    "lapse_nowhere": Rule("error", "在“{0}”到期时，没有可做的动作", "加一个由 clock 做的动作，或在离开前 stops 它"),
    "no_ending": Rule("error", "到终点的动作没有写怎样办结", "写上 ending"),
    "ending_unused_here": Rule("error", "不到终点的动作不能写 ending", "删去 ending"),
    "reason_list": Rule("error", "needs 里的 reason 与 reasons 要么都写，要么都不写", "补上另一半，或删去这一半"),
    "result_list": Rule(
        "error", "要填办理结果却没有写可填哪些，或写了几种却不要求填", "needs 里的 result 与 results 配齐"
    ),
    "promise_untold": Rule(
        "error", "启动了答应群众的时限{0}，却没有告诉群众几时答复", "tells 一条给群众的、含 {{due}} 的消息"
    ),
    "change_untold": Rule("error", "停了答应群众的时限{0}，却没有告诉群众", "tells 一条给群众的消息"),
    "due_without_promise": Rule(
        "error", "消息 {0} 说到答复时间，可这时还没有答应过时间", "去掉 {{due}}，或改用 {{step_due}}"
    ),
    "until_without_window": Rule(
        "error", "消息 {0} 说到重新办理的期限，可到终点后没有带 within 的动作", "去掉 {{until}} 或加上它"
    ),
    "no_result": Rule("error", "终点没有写结果，或不是终点却写了结果", "终点写上 result，别处删去"),
    "test_type": Rule("error", "“{0}”的答案是{1}，不能用 {2} 这样比", "改用合适的比法，或改问题的类型"),
    "test_circle": Rule("error", "条件数来数去又数到自己", "从 count_of 里去掉一项"),
    "test_sealed": Rule("error", "“{0}”是个人信息，文字答案加密保存，只能问有没有（has）", "改用 has，或去掉 personal"),
    "unanswerable": Rule("error", "“{0}”没有地方填", "放进某道关口或动作的 asks，或写上能提供它的 source"),
    "age_not_days": Rule("error", "有效期要用自然日", "写成 365d 的样子"),
    "need_too_many": Rule("error", "一共{0}项条件，却要符合{1}项", "把 at_least 改小"),
    "need_is_must": Rule("warning", "列出的条件要求全部符合", "直接写进 must"),
    "review_levels": Rule("error", "同一步把关的岗位不在同一级，或不分级", "一步只写一级的岗位，如 secretary@village"),
    "review_down": Rule("error", "把关应逐级向上，这一步却比前一步低", "调整顺序"),
    "only_own_unit": Rule("warning", "只有本人所在的村（社区）把关", "加一级上级把关"),
    "nobody_settles": Rule("error", "有公示或申诉期，却没有把关的人来处理异议和申诉", "加一步把关"),
    "clock_asks": Rule(
        "error", "时限打开的关口没有人在场，不能要求填写，也不能设条件", "删去 asks、must、need，由把关的人来判断"
    ),
    "notice_short": Rule("error", "公示不满五个工作日", "limit 写 5wd 以上"),
    "no_appeal": Rule("warning", "把人退出去的关口没有给申诉的时间", "写上 appeal，如 10wd"),
    "free_without_cap": Rule("error", "when_free 的去处没有名额", "给去处写上 cap，或去掉 when_free"),
    "cap_below_floor": Rule("error", "名额上限低于下限", "把 cap 改大或把 floor 改小"),
    "rank_type": Rule("error", "不能按“{0}”排名：它的答案不是数", "换成 number 或 money 的问题"),
    "not_here": Rule("error", "消息 {0} 用了 {{{1}}}，可这时还没有这个值", "换一条消息，或去掉它"),
    "most_below_least": Rule("error", "最多低于最少", "改其中一个"),
    "english_orphan": Rule("error", "英文表里的“{0}”没有对应的中文", "删去，或改成已有的键"),
    "english_variables": Rule("error", "英文与中文用的变量不同：{0}", "让两边的变量一致"),
    "english_missing": Rule("warning", "没有英文", "在 [en.{0}] 里补上"),
    "unused": Rule("warning", "没有用到", "删去，或在该用的地方引用它"),
    "refinement_without_effect": Rule("warning", "与它要改的值相同（{0}）", "删去这一行"),
}


def find(key: str, where: str, *facts: object) -> Finding:
    rule = RULES[key]
    return Finding(key, rule.severity, where, rule.reason.format(*facts), rule.remedy.format(*facts))


Names = Iterator[tuple[str, Iterable[str], Iterable[str]]]  # where, the names used there, those there are


def unknown(names: Names) -> Iterator[Finding]:
    """What is named must exist."""
    for where, used, known in names:
        for name in used:
            if name not in known:
                yield find("unknown", where, name, "、".join(known) or "（还没有）")


def not_in_kind(words: Names) -> Iterator[Finding]:
    """What is a word of the kind must be one of those it has."""
    for where, used, known in words:
        for name in used:
            if name not in known:
                yield find("not_in_kind", where, name, "、".join(sorted(known)) or "（不写）")


def held_for_ever(walk: Walk[P], kind: Kind, part: str) -> Iterator[Finding]:
    """From everywhere an end can be reached, also when all posts of any one party keep still for ever."""
    for found in held(walk, kind):
        where = f"gate.{found.node}" if "." in found.node else f"{part}.{found.node}"
        if found.party:
            yield find("held_by_one", where, kind.parties.get(found.party, found.party), found.story)
        else:
            yield find("no_way_out", where, found.story)


def some(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def english(program: Document) -> Iterator[Finding]:
    """Every text has English, and nothing else has."""
    for part, chinese in program.chinese.items():
        spoken = program.english.get(part, {})
        yield from (find("english_orphan", f"en.{part}", key) for key in spoken if key not in chinese)
        yield from (find("english_missing", f"{part}.{key}", part) for key in chinese if key not in spoken)
    for key, message in program.messages.items():
        different = _variables(program.english.get("message", {}).get(key, message.text)) ^ {*message.variables}
        if different:
            yield find("english_variables", f"en.message.{key}", "、".join(sorted(different)))


def _variables(text: str) -> set[str]:
    try:
        return {*variables_in(text)}
    except ValueError:
        return {"花括号不成对"}
