"""The vocabulary of ladders: the verbs that `ladder.actions` acts out, and the words a ladder program may use with them."""

from bihuan.programs.kinds import Kind, Verb, register_kind
from bihuan.programs.ladder import LEVELS

VERBS = {
    "nominate": Verb("推荐"),
    "review": Verb("把关", frozenset({"pass", "fail"})),
    "publish": Verb("公示"),
    "object": Verb("提出异议"),
    "settle": Verb("处理异议", frozenset({"uphold", "dismiss"})),
    "appeal": Verb("申诉"),
    "rule": Verb("申诉复核", frozenset({"uphold", "dismiss"})),
    "admit": Verb("选拔"),
    "contact": Verb("联系"),
    "advance": Verb("推进"),
    "promote": Verb("提升"),
    "consolidate": Verb("巩固"),
    "eliminate": Verb("淘汰"),
    "leave": Verb("退出"),
    "withdraw": Verb("撤回"),
    "lapse": Verb("到期", frozenset({"up"}), raises=frozenset({"up"})),
}

# Roles that act at every level. Their party is the level: those at one level may all keep still together.
ROLES = ("secretary", "organiser", "leader", "chief", "handler")
POSTS = {
    **{f"{role}@{level}": level for role in ROLES for level in LEVELS},
    "subject": "subject",
    "resident": "resident",
    "answerable": "answerable",
    "clock": "clock",
}
PARTIES = {
    "village": "村级",
    "town": "乡镇",
    "county": "县级",
    "city": "市级",
    "subject": "本人",
    "resident": "群众",
    "answerable": "包保领导",
    "clock": "时限",
}

VARIABLES = {
    "name": "本人的姓名",
    "program": "事项名称",
    "stage": "现在的阶段",
    "gate": "关口名称",
    "step": "眼下这一步",
    "unit": "现在该谁办（单位）",
    "due": "这一步最晚几时做完",
    "until": "公示或申诉到几时为止",
    "why": "没有通过的原因",
    "link": "查看进展的网址",
}


def register() -> Kind:
    """Make ladders known to `programs`."""
    return register_kind(
        "ladder",
        title="培养阶梯",
        verbs=VERBS,
        states=(),  # an author names the stages
        posts=POSTS,
        parties=PARTIES,
        asks=(),  # an author asks what he needs
        audiences=("subject", "answerable", "post", "reviewers", "above"),
        variables=VARIABLES,
    )
