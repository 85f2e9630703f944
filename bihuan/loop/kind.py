"""The vocabulary of cases: the verbs that `loop.actions` acts out, and the words a case program may use with them."""

from bihuan.loop.models import State
from bihuan.programs.kinds import Kind, Verb, register_kind

VERBS = {
    "file": Verb("登记", frozenset({"accepted"})),
    "answer": Verb("直接答复"),
    "accept": Verb("受理"),
    "place": Verb("定位"),
    "dispatch": Verb("派单"),
    "sign": Verb("签收"),
    "hand_back": Verb("退单"),
    "rule": Verb("裁定退单", frozenset({"uphold", "refuse"})),
    "contact": Verb("先行联系"),
    "hand_down": Verb("下派"),
    "assist": Verb("协办意见"),
    "reply": Verb("答复"),
    "approve": Verb("审核答复", frozenset({"pass", "send_back"})),
    "verify": Verb("核查", frozenset({"pass", "fail"})),
    "call_back": Verb("回访", frozenset({"solved", "unsolved", "unreached"})),
    "confirm": Verb("群众确认", frozenset({"solved", "unsolved"})),
    "close": Verb("办结", frozenset({"unreached", "unverified"})),
    "redo": Verb("重新办理"),
    "withdraw": Verb("撤回"),
    "urge": Verb("催办"),
    "lapse": Verb("到期", frozenset({"overdue", "up"}), raises=frozenset({"overdue", "up"})),
}

# Who may act, and the party each belongs to: no single party's silence may hold a case for ever.
POSTS = {
    "resident": "resident",
    "agent": "centre",
    "dispatcher": "centre",
    "caller": "centre",
    "handler": "unit",
    "chief": "unit",
    "grid_worker": "grid",
    "supervisor": "above",
    "leader": "above",
    "clock": "clock",
}
PARTIES = {
    "resident": "群众",
    "centre": "诉求中心",
    "unit": "承办单位",
    "grid": "网格",
    "above": "上级",
    "clock": "时限",
}

ASKS = ("type", "text", "place", "unit", "result", "reason", "photo", "contacted", "satisfied")

VARIABLES = {
    "number": "工单编号",
    "type": "诉求类型",
    "unit": "现在负责的单位",
    "due": "答应群众的答复时间",
    "step_due": "眼下这一步最晚几时做完",
    "until": "几时以前可以要求重新办理",
    "result": "办理结果",
    "link": "查看进展的网址",
}


def register() -> Kind:
    """Make cases known to `programs`."""
    return register_kind(
        "case",
        title="诉求办理",
        verbs=VERBS,
        states=State.values,
        posts=POSTS,
        parties=PARTIES,
        asks=ASKS,
        audiences=("resident", "unit", "above", "finder"),
        variables=VARIABLES,
    )
