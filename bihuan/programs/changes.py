"""What a new document changes in an old one: each difference with a sentence for its reader and a class.

The class says what it means for those under way: `wording` changes no rule; `widening` is never worse for the person;
`tightening` may be; `structural` takes away a place where somebody may stand. Rules below, by path and direction; what
no rule knows counts as tightening, so a forgotten rule never makes anybody worse off unasked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import product
from typing import Any

from bihuan.lib.worktime import BadDuration, Duration
from bihuan.programs import document
from bihuan.programs.case import Limit
from bihuan.programs.kinds import CLOCK
from bihuan.programs.measuring import compare
from bihuan.programs.telling import Names, spell

Data = Mapping[str, Any]
Path = tuple[str, ...]


class Klass(IntEnum):
    """Classes of change, the worse the higher."""

    WORDING = 0
    WIDENING = 1
    TIGHTENING = 2
    STRUCTURAL = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def title(self) -> str:
        return ("措辞", "放宽", "收紧", "结构")[self]


WORDING, WIDENING, TIGHTENING, STRUCTURAL = Klass


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `before` None: it was not there; `after` None: it is no more there."""

    path: str
    before: Any
    after: Any
    sentence: str
    klass: Klass


def diff(old: str, new: str) -> list[Change]:
    """Every change from one document to another of the same program, in the order of the documents.

    Both must be documents that load. An empty list: they say the same, however they are laid out.
    """
    before, after = document.table_of(old, "").data, document.table_of(new, "").data
    both = Both(before, after, Names(before, after))
    return [_change(both, *found) for found in differences(before, after)]


def klass_of(changes: Iterable[Change]) -> Klass:
    """The worst class among changes; wording when there are none."""
    return max((change.klass for change in changes), default=WORDING)


@dataclass(frozen=True)
class Both:
    """The two documents of a diff, for rules that must look beyond one value."""

    old: Data
    new: Data
    names: Names


def _change(both: Both, path: Path, before: Any, after: Any) -> Change:
    klass = _classed(both, path, before, after)
    return Change(".".join(path), before, after, both.names.sentence(path, before, after), klass)


# Walking


def differences(old: Data, new: Data, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Paths with what stands there before and after. A table that comes or goes is one difference, a group is not."""
    for key in {**old, **new}:
        here, before, after = (*path, key), old.get(key), new.get(key)
        if before == after and type(before) is type(after):
            continue
        if _are_tables(before, after, here):
            yield from differences(before or {}, after or {}, here)
        else:
            yield here, before, after


# Tables that hold things by name; they are no things themselves.
GROUPS = ("*", "en.*", "en.*.*", "reason.*", "limit.*.type", "limit.*.urgency", "limit.*.category",
          "limit.*.category.*", "gate.*.review", "migrate.*", "migrate.*.*")  # fmt: skip


def _are_tables(before: Any, after: Any, path: Path) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return True
    one_is = isinstance(before or after, dict) and (before is None or after is None)
    return one_is and any(fits(group, path) for group in GROUPS)


def fits(pattern: str, path: Path) -> bool:
    """Whether a path is like a pattern: `*` stands for one key, a closing `**` for any further ones."""
    wanted = pattern.split(".")
    if wanted[-1] == "**":
        wanted, path = wanted[:-1], path[: len(wanted) - 1]
    return len(wanted) == len(path) and all(w in ("*", p) for w, p in zip(wanted, path, strict=True))


# Rules: how a change of one value is judged

Judge = Callable[[Both, Path, Any, Any], Klass]


def _always(klass: Klass) -> Judge:
    return lambda both, path, before, after: klass


def _better(*, when: int) -> Judge:
    """For numbers and durations. when=-1: less is better for the person, when=1: more is. Unlimited is most."""

    def judge(both: Both, path: Path, before: Any, after: Any) -> Klass:
        if before is None or after is None:
            sign: int | None = 1 if after is None else -1
        else:
            sign = _sign(before, after)
        return WIDENING if sign in (0, when) else TIGHTENING

    return judge


def _sign(before: Any, after: Any) -> int | None:
    """1: after is more than before; None: not to be compared."""
    if isinstance(before, str) and isinstance(after, str):
        try:
            return compare(Duration.parse(after), Duration.parse(before))
        except BadDuration:
            return None
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (before, after))
    return (after > before) - (after < before) if numbers else None


def _list(*, added: Klass, removed: Klass) -> Judge:
    """For lists of words: what was added and what was taken away, the worse counts. The order says nothing."""

    def judge(both: Both, path: Path, before: Any, after: Any) -> Klass:
        old, new = set(_words(before)), set(_words(after))
        classes = [added] * bool(new - old) + [removed] * bool(old - new)
        return max(classes, default=WORDING)

    return judge


def _words(value: Any) -> list[str]:
    if isinstance(value, dict):  # {post = {...}}: its keys
        return list(value)
    return [str(word) for word in value] if isinstance(value, list) else [] if value is None else [str(value)]


def _flag(*, on: Klass, off: Klass) -> Judge:
    return lambda both, path, before, after: on if after else off


def _comes_goes(*, comes: Klass, goes: Klass, stays: Judge | None = None) -> Judge:
    """For what may be there or not: it is new, it is gone, or it is another (tightening unless `stays` judges it)."""
    stays = stays or _always(TIGHTENING)

    def judge(both: Both, path: Path, before: Any, after: Any) -> Klass:
        return comes if before is None else goes if after is None else stays(both, path, before, after)

    return judge


def _for_people(judge: Judge, otherwise: Judge) -> Judge:
    """Bounds of a move: a wider one is better where the person makes the move, a narrower one where officials do."""

    def chosen(both: Both, path: Path, before: Any, after: Any) -> Klass:
        move = both.new["move"].get(path[1]) or both.old["move"][path[1]]
        people = {"resident", "subject"} & set(move.get("by", ()))
        return (judge if people else otherwise)(both, path, before, after)

    return chosen


MORE_ADDED, MORE_ASKED = _list(added=WIDENING, removed=TIGHTENING), _list(added=TIGHTENING, removed=WIDENING)
LESS, MORE = _better(when=-1), _better(when=1)
COMES, NEW_BURDEN = _comes_goes(comes=WIDENING, goes=TIGHTENING), _comes_goes(comes=TIGHTENING, goes=WIDENING)
PLACE = _comes_goes(comes=WIDENING, goes=STRUCTURAL)


def _limit(both: Both, path: Path, before: Any, after: Any) -> Klass:
    """A row of [limit.*]: for which matters does it now take another time, and is that better for the person?

    Every type, urgency and category named is tried, because rows hide one another.
    """
    key, row = path[1], ".".join(path[2:])
    if not row:  # a limit that comes is used by nobody before its clock is; one that goes leaves with its clock
        return WIDENING if before is None else TIGHTENING
    old, new = (_limit_of(data["limit"][key], key) for data in (both.old, both.new))
    better = 1 if _is_the_persons(both.new, key) else -1
    signs = set(_moved(both, old, new, row)) - {0}
    return WIDENING if signs <= {better} else TIGHTENING


def _moved(both: Both, old: Limit, new: Limit, row: str) -> Iterator[int | None]:
    categories = [*old.category, *new.category, ""]
    for type_, urgency, category in product(_keys(both, "type"), _keys(both, "urgency"), categories):
        facts: dict[str, Any] = {"type": type_, "urgency": urgency, "categories": [category] if category else []}
        (was_row, was), (is_row, now) = old.pick(**facts), new.pick(**facts)
        if row in (was_row, is_row):
            yield compare(now, was)


def _keys(both: Both, part: str) -> list[str]:
    return [*{**both.old.get(part, {}), **both.new.get(part, {})}]


def _limit_of(table: Data, key: str) -> Limit:
    def read(rows: Data) -> dict[str, Duration]:
        return {name: Duration.parse(value) for name, value in rows.items()}

    categories = {name: read(rows) for name, rows in table.get("category", {}).items()}
    return Limit(
        key, Duration.parse(table["default"]), read(table.get("type", {})), read(table.get("urgency", {})), categories
    )


def _is_the_persons(data: Data, limit: str) -> bool:
    """Whether a limit is time that the person has: when it runs out a clock ends the matter, and he could have acted."""
    for clock in data["clock"].values():
        for move in data["move"].values():
            if clock["limit"] == limit and _is_done_by(clock, move) and _is_final(data, move.get("to")):
                own = (m for m in data["move"].values() if "resident" in m["by"] and {*m["from"]} & {*move["from"]})
                if any(other["verb"] == "confirm" for other in own):
                    return True
    return False


def _is_done_by(clock: Data, move: Data) -> bool:
    same = (clock["lapse"], clock.get("outcome")) == (move["verb"], move.get("outcome"))
    return same and CLOCK in move["by"]


def _is_final(data: Data, state: str | None) -> bool:
    return bool(data["state"].get(state, {}).get("final"))


# Path, and how a change there is judged; the first that fits counts.
RULES: tuple[tuple[str, Judge], ...] = (
    ("title", _always(WORDING)),
    ("about", _always(WORDING)),
    ("about_text", _always(WORDING)),
    ("text", _always(WORDING)),
    ("subject", _always(WORDING)),
    ("*.*.title", _always(WORDING)),
    ("*.*.about", _always(WORDING)),
    ("*.*.text", _always(WORDING)),
    ("*.*.public", _always(WORDING)),
    ("test.*.else", _always(WORDING)),
    ("*.*.*.title", _always(WORDING)),  # a reason's, a choice's, a notice's
    ("*.*.*.about", _always(WORDING)),
    ("*.*.*.*.title", _always(WORDING)),  # a review step's
    ("en.**", _always(WORDING)),
    ("open.**", _always(WORDING)),  # what lower levels may do; what they did is checked when they are merged anew
    ("migrate.**", _always(WORDING)),
    ("program", _always(STRUCTURAL)),
    ("kind", _always(STRUCTURAL)),
    # places where somebody may stand
    ("state.*", PLACE),
    ("stage.*", PLACE),
    ("gate.*", PLACE),
    ("*.*.final", _always(STRUCTURAL)),
    ("type.*", PLACE),
    ("urgency.*", PLACE),
    ("result.*", PLACE),
    # time
    ("limit.**", _limit),
    ("clock.*.limit", LESS),
    ("clock.*.repeat", LESS),
    ("clock.*.promise", _flag(on=WIDENING, off=TIGHTENING)),
    ("gate.*.review.*.limit", LESS),
    ("gate.*.notice.limit", LESS),
    ("gate.*.notice.objection", LESS),
    ("gate.*.appeal", _comes_goes(comes=WIDENING, goes=TIGHTENING, stays=MORE)),
    ("gate.*.cool", _comes_goes(comes=TIGHTENING, goes=WIDENING, stays=LESS)),
    ("ask.*.max_age", MORE),
    ("duty.*.every", LESS),
    ("move.*.within", _for_people(MORE, LESS)),
    ("move.*.at_most", _for_people(MORE, LESS)),
    ("move.*.per_day", MORE),
    # numbers
    ("gate.*.need", NEW_BURDEN),
    ("gate.*.need.at_least", LESS),
    ("gate.*.need.of", MORE_ADDED),
    ("gate.*.review.*.votes", LESS),
    ("*.*.cap", NEW_BURDEN),
    ("stage.*.cap.n", MORE),
    ("stage.*.floor.**", _always(WIDENING)),
    ("policy.*.most", MORE),
    ("policy.*.least", _comes_goes(comes=TIGHTENING, goes=WIDENING, stays=LESS)),
    ("policy.*.months", MORE),
    ("test.*.if.gte", LESS),
    ("test.*.if.lte", MORE),
    ("test.*.if.n", LESS),
    ("test.*.if.within_days", MORE),
    ("test.*.if.in", MORE_ADDED),
    # what is asked, and who may act
    ("ask.*.optional", _flag(on=WIDENING, off=TIGHTENING)),
    ("ask.*.source", MORE_ADDED),
    ("ask.*.choice.*", _comes_goes(comes=WIDENING, goes=TIGHTENING, stays=_always(WORDING))),
    ("move.*.needs", MORE_ASKED),
    ("*.*.asks", MORE_ASKED),
    ("*.*.must", MORE_ASKED),
    ("move.*.results", MORE_ADDED),
    ("*.*.by", MORE_ADDED),
    ("gate.*.opens", MORE_ADDED),
    ("gate.*.review.*.by", MORE_ADDED),
    ("*.*.from", MORE_ADDED),
    ("move.*.after", MORE_ADDED),
    ("*.*.tells", MORE_ADDED),
    ("*.*.tells.*", MORE_ADDED),
    ("state.*.clocks", MORE_ADDED),
    ("stage.*.clocks", MORE_ADDED),
    ("move.*.when_free", _flag(on=WIDENING, off=TIGHTENING)),
    ("entry.*.evidence", _flag(on=TIGHTENING, off=WIDENING)),
    # things that come and go
    ("gate.*.review.*", NEW_BURDEN),
    ("gate.*.notice", NEW_BURDEN),
    ("message.*", _comes_goes(comes=WORDING, goes=WORDING)),
    ("ask.*", _comes_goes(comes=WIDENING, goes=WIDENING)),
    ("test.*", _comes_goes(comes=WIDENING, goes=WIDENING)),
    ("reason.*.*", COMES),
    *((f"{part}.*", COMES) for part in ("ending", "move", "clock", "duty", "entry", "need", "policy")),
)


def _classed(both: Both, path: Path, before: Any, after: Any) -> Klass:
    judge = next((judge for pattern, judge in RULES if fits(pattern, path)), _always(TIGHTENING))
    return judge(both, path, before, after)


def told(changes: Iterable[Change]) -> Iterator[str]:
    """The changes as lines to read, the worst class first."""
    changes = list(changes)
    for klass in reversed(Klass):
        lines = [change.sentence for change in changes if change.klass == klass]
        if lines:
            yield f"{klass.title}（{MEANING[klass]}）"
            yield from (f"  {line}" for line in lines)


MEANING = {
    WORDING: "正在办的也按新的说法",
    WIDENING: "对群众只会更好，正在办的自动改按新版本",
    TIGHTENING: "正在办的留在原版本，可以写明理由逐件改",
    STRUCTURAL: "正在办的必须有去处，全部移到新版本",
}
__all__ = ["Change", "Klass", "diff", "differences", "klass_of", "spell", "told"]
