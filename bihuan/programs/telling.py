"""Saying in Chinese what stands at a path of a document: 时限 “派单时限”, 动作 “退单” 的次数上限."""

from collections.abc import Mapping
from typing import Any

from bihuan.lib.worktime import BadDuration, Duration

SECTIONS = {
    "type": "诉求类型", "urgency": "紧急程度", "result": "办理结果", "ending": "办结方式", "ask": "要填的内容",
    "reason": "理由", "limit": "时限", "state": "状态", "move": "动作", "clock": "时限", "message": "消息", "test": "条件",
    "stage": "阶段", "gate": "关口", "duty": "职责", "entry": "台账项目", "need": "需求种类", "policy": "政策",
}  # fmt: skip

FIELDS = {
    "title": "名称", "about": "说明", "public": "群众看到的说法", "text": "文字", "owner": "负责岗位", "clocks": "时限",
    "final": "是否终点", "verb": "动词", "from": "起点", "to": "去处", "by": "由谁来做", "starts": "启动的时限",
    "stops": "停下的时限", "needs": "必填内容", "results": "可填的结果", "reasons": "理由清单", "ending": "办结方式",
    "after": "适用的办结方式", "within": "期限", "at_most": "次数上限", "per_day": "每天次数", "tells": "告知",
    "limit": "时限", "lapse": "到期后的动作", "outcome": "结局", "when": "适用情形", "promise": "是否答应群众",
    "repeat": "重复间隔", "audience": "告知对象", "unit": "单位", "choice": "选项", "use": "共用的问题",
    "max_age": "有效期", "source": "来源", "personal": "是否个人信息", "optional": "可不填", "if": "条件", "else": "不符合的说法",
    "level": "层级", "result": "结果", "cap": "名额", "floor": "底数", "order": "次序", "opens": "由谁发起", "asks": "要填的内容",
    "need": "达标要求", "at_least": "至少符合几条", "of": "条件清单", "must": "必须符合的条件", "review": "审核",
    "votes": "同意票数", "notice": "公示", "scope": "范围", "objection": "异议处理时限", "rank": "排名办法", "appeal": "申诉期",
    "cool": "再次申报间隔",
    "fails_to": "未通过的去处", "reaches": "是否达成目标", "when_free": "有空位自动递补", "in": "适用阶段", "every": "间隔",
    "entry": "台账项目", "side": "方向", "evidence": "凭证", "giver": "给予方", "measure": "台账项目", "most": "最多",
    "least": "最少", "months": "月数", "type": "类型", "default": "一般", "n": "人数", "per": "按哪一级",
}  # fmt: skip
TOP = {"title": "事项名称", "about": "事项说明", "text": "事项说明", "about_text": "事项说明", "subject": "对象的称呼",
       "program": "事项的键", "kind": "事项种类"}  # fmt: skip
POSTS = {"resident": "群众", "subject": "本人", "clock": "到期自动", "answerable": "包保领导", "agent": "话务员",
         "dispatcher": "派单员", "caller": "回访员", "handler": "承办人", "chief": "承办单位负责人", "grid_worker": "网格员",
         "supervisor": "督办员", "leader": "领导", "organiser": "组织干部", "secretary": "党组织书记"}  # fmt: skip
LEVELS = {"village": "村（社区）", "town": "乡镇（街道）", "county": "县（市、区）", "city": "市", "all": "全部"}
# Which section the words in a field name.
NAMED_IN = {
    "from": ("state", "stage"), "to": ("state", "stage"), "in": ("stage",), "fails_to": ("stage",), "clocks": ("clock",),
    "starts": ("clock",), "stops": ("clock",), "needs": ("ask",), "asks": ("ask",), "results": ("result",),
    "ending": ("ending",), "after": ("ending",), "tells": ("message",), "must": ("test",), "of": ("test",),
    "entry": ("entry",), "measure": ("entry",), "lapse": ("move", "gate"), "type": ("type",), "result": ("result",),
}  # fmt: skip


def post(key: str) -> str:
    """A post in Chinese: "secretary@village" is 村（社区）党组织书记."""
    role, _, level = key.partition("@")
    return LEVELS.get(level, level) + POSTS.get(role, role)


def spell(value: Any) -> str:
    """A value by itself: durations in words, yes and no, lists with commas."""
    if value is None:
        return "无"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(map(spell, value)) or "无"
    if isinstance(value, dict):
        return "，".join(f"{FIELDS.get(key, key)} {spell(inner)}" for key, inner in value.items())
    return _duration(value) or str(value)


def _duration(value: Any) -> str:
    try:
        return Duration.parse(value).chinese() if isinstance(value, str) else ""
    except BadDuration:
        return ""


class Names:
    """The titles of two documents, and sentences about their differences."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.old, self.new = old, new

    def sentence(self, path: tuple[str, ...], before: Any, after: Any) -> str:
        """What changed at a path, as a sentence without its full stop."""
        what = self.of(path)
        if before is None and isinstance(after, dict):
            return f"新增{what}"
        if after is None and isinstance(before, dict):
            return f"取消{what}"
        if isinstance(before, list | None) and isinstance(after, list | None) and not (before is after is None):
            return self._list(what, path, before or [], after or [])
        if before is None:
            return f"{what}定为{self._value(path, after)}"
        if after is None:
            return f"{what}不再规定（原为{self._value(path, before)}）"
        return f"{what}由{self._value(path, before)}改为{self._value(path, after)}"

    def of(self, path: tuple[str, ...]) -> str:
        """What stands at a path: 动作“退单”的次数上限."""
        if path[0] in ("en", "open", "migrate"):
            return {"en": "英文", "open": "开放给下级的", "migrate": "迁移表"}[path[0]] + ".".join(path[1:])
        if len(path) == 1:
            return TOP.get(path[0], path[0])
        if path[0] == "limit":
            return self._limit(path)
        thing = f"{SECTIONS.get(path[0], path[0])}“{self.title(path[0], path[1])}”"
        rest = path[2:]
        if path[0] == "reason" and len(path) > 2:
            thing, rest = f"理由“{self._inner(path[:3])}”", path[3:]
        if path[0] == "gate" and rest[:1] == ("review",) and len(rest) > 1:
            thing, rest = f"{thing}的审核步骤“{self._inner(path[:4])}”", rest[2:]
        fields = "的".join(FIELDS.get(key, key) for key in rest)
        return f"{thing}的{fields}" if fields else thing

    def title(self, section: str, key: str) -> str:
        """The Chinese title of a thing, as the new document has it, else the old one, else its key."""
        return self._inner((section, key))

    def _inner(self, path: tuple[str, ...]) -> str:
        for data in (self.new, self.old):
            found: Any = data
            for key in path:
                found = found.get(key) if isinstance(found, Mapping) else None
            if isinstance(found, Mapping) and (found.get("title") or found.get("text")):
                return found.get("title") or found["text"][:12]
        return path[-1]

    def _limit(self, path: tuple[str, ...]) -> str:
        """A limit by the clock that uses it, with the matters its row is for."""
        clocks = {**self.old.get("clock", {}), **self.new.get("clock", {})}
        title = next((clock["title"] for clock in clocks.values() if clock.get("limit") == path[1]), path[1])
        row = path[2:]
        if row[:1] in (("type",), ("urgency",)) and len(row) == 2:
            return f"“{title}”（{SECTIONS[row[0]]}“{self.title(row[0], row[1])}”）"
        if row[:1] == ("category",) and len(row) == 3:
            return f"“{title}”（类别 {row[1]}，紧急程度“{self.title('urgency', row[2])}”）"
        return f"“{title}”"

    def _list(self, what: str, path: tuple[str, ...], before: list[Any], after: list[Any]) -> str:
        added = [self._word(path, word) for word in after if word not in before]
        gone = [self._word(path, word) for word in before if word not in after]
        parts = [f"增加{'、'.join(added)}"] * bool(added) + [f"去掉{'、'.join(gone)}"] * bool(gone)
        return what + ("，".join(parts) if parts else "换了顺序")

    def _word(self, path: tuple[str, ...], word: Any) -> str:
        if path[-1] in ("by", "opens", "owner"):
            return post(str(word))
        for section in NAMED_IN.get(path[-1], ()):
            if word in self.new.get(section, {}) or word in self.old.get(section, {}):
                return f"“{self.title(section, word)}”"
        return spell(word)

    def _value(self, path: tuple[str, ...], value: Any) -> str:
        if isinstance(value, str):
            if path[-1] in ("owner", *NAMED_IN):
                return self._word(path, value)
            if path[-1] in ("per", "level", "scope"):
                return LEVELS.get(value, value)
            return _duration(value) or f"“{value}”"
        return spell(value)
