"""Who may act on a standing: posts written `role@level`, found up the tree, and never those it concerns too closely (N2).

A vote belongs to a unit and its posts, not to a person: whoever holds the post on the day may give it. Holders step back
when they are the subject, kin on file, or have already given a verdict in the same pass; then another holder acts, an
acting one when no main holder is left, and when nobody is left, the level above.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from django.utils.translation import gettext as _

from bihuan.book.journal import Acting
from bihuan.book.models import Actor
from bihuan.dossier.models import Kin
from bihuan.dossier.subjects import close_people
from bihuan.ladder.models import Pass, Standing, Vote
from bihuan.net.models import Level, Posting
from bihuan.net.postings import AboutOneself, is_standing, standing_on
from bihuan.net.scope import area_of
from bihuan.net.tree import snapshot
from bihuan.programs.ladder import level_of

LEVELS = {"village": Level.COMMUNITY, "town": Level.TOWN, "county": Level.COUNTY, "city": Level.CITY}
WORDS = {int(level): word for word, level in LEVELS.items()}
ANSWERABLE = "answerable"
OVERSEERS = tuple(f"{role}@{word}" for role in ("organiser", "leader") for word in LEVELS)


class NotYours(Exception):
    """This step is for another post, or for another unit's."""

    def __init__(self, says: str = "") -> None:
        super().__init__(says or _("这一步不由您的岗位办理。"))


# Places


def areas(standing: Standing) -> list[int]:
    """The areas a standing lies in, from the ground up."""
    return [unit for level in (5, 4, 3, 2) if (unit := getattr(standing, f"l{level}")) is not None]


def area(standing: Standing, level: str) -> int:
    """The unit of a level that a standing belongs to; where it has none there, the nearest above, else the highest."""
    own = LEVELS[level]
    above = (unit for rank in range(own, 1, -1) if (unit := getattr(standing, f"l{rank}")) is not None)
    return next(above, None) or areas(standing)[-1]


def area_above(standing: Standing, unit_id: int | None) -> int | None:
    """The standing's area one level up; None at the top."""
    chain = areas(standing)
    rest = chain[chain.index(unit_id) + 1 :] if unit_id in chain else chain
    return rest[0] if rest else None


# Posts


def posts_of(by: Acting, standing: Standing) -> frozenset[str]:
    """The posts of a program that somebody holds towards a standing: role@level, answerable, subject, clock."""
    if not isinstance(by, Posting):
        return frozenset({"subject", "resident"} if by.actor == Actor.RESIDENT else {"clock"})
    own = snapshot().unit(by.unit_id)
    place = area_of(own, snapshot())
    here = own.level in WORDS and place.id in areas(standing)
    posts = {f"{by.role}@{WORDS[own.level]}"} if here else set()
    return frozenset(posts | ({ANSWERABLE} if standing.answerable == by.pk else set()))


def roles(posts: Iterable[str]) -> frozenset[str]:
    """The roles of these posts, whatever their level."""
    return frozenset(post.partition("@")[0] for post in posts if level_of(post))


def holders(posts: Iterable[str], unit_id: int, on: date) -> list[Posting]:
    """Who holds one of these roles in an area or its offices of the same level, on a day. One query."""
    unit = snapshot().unit(unit_id)
    here = {"unit__level": unit.level, f"unit__l{unit.level}": unit_id}
    found = Posting.objects.filter(standing_on(on), role__in=roles(posts), unit__died=None, **here)
    return list(found.select_related("person", "unit").order_by("pk"))


def recused(standing: Standing, passing: Pass | None = None) -> set[int]:
    """The persons who must not decide: the subject, kin on file, and who has given a verdict in this pass."""
    persons = set(close_people(standing.subject))
    if passing is not None:
        persons |= set(Vote.objects.filter(passing=passing).values_list("person", flat=True))
    return persons


def able(
    standing: Standing, posts: Sequence[str], unit_id: int, on: date, *, passing: Pass | None, home: bool
) -> list[Posting]:
    """Who may act in a step that lies with `unit_id`, those first who should.

    home: the step is at its own level. Where it has come up, those seconded have no say, and where nobody there holds such a
    post, those who oversee the level may act: a town without a secretary must not let it lie.
    """
    away = recused(standing, passing)
    found = _in_order([one for one in _there(standing, posts, unit_id, on, home) if one.person_id not in away], home)
    if found or home:
        return found
    return _in_order([one for one in holders(OVERSEERS, unit_id, on) if one.person_id not in away], home)


def _in_order(there: Sequence[Posting], home: bool) -> list[Posting]:
    main = [one for one in there if one.holding == Posting.Holding.MAIN]
    acting = [one for one in there if one.holding == Posting.Holding.ACTING and not main]
    return main + acting + [one for one in there if one.holding == Posting.Holding.SECONDED and home]


def _there(standing: Standing, posts: Sequence[str], unit_id: int, on: date, home: bool) -> list[Posting]:
    there = holders(posts, unit_id, on)
    if home and ANSWERABLE in posts and standing.answerable is not None:
        leader = Posting.objects.select_related("person", "unit").get(pk=standing.answerable)
        there += [leader] if is_standing(leader, on) and leader not in there else []
    return there


def first_able(
    standing: Standing, posts: Sequence[str], unit_id: int, on: date, *, passing: Pass | None, home: bool
) -> int | None:
    """The unit, this one or the nearest above, where somebody is able to act; None when there is nobody at all."""
    here: int | None = unit_id
    while here is not None:
        if able(standing, posts, here, on, passing=passing, home=home and here == unit_id):
            return here
        here = area_above(standing, here)
    return None


def require_posting(by: Acting) -> None:
    """Verdicts are given by people in posts. Raises NotYours."""
    if not isinstance(by, Posting):
        raise NotYours


def require_able(
    standing: Standing,
    posts: Sequence[str],
    unit_id: int,
    by: Posting,
    on: date,
    *,
    passing: Pass | None,
    home: bool,
) -> str:
    """How `by` acts: main, acting, seconded, or up. Raises NotYours or AboutOneself, each saying why."""
    require_posting(by)
    if by.pk in {one.pk for one in able(standing, posts, unit_id, on, passing=passing, home=home)}:
        return by.holding if home else Vote.StandingIn.UP
    there = _there(standing, posts, unit_id, on, home) + ([] if home else holders(OVERSEERS, unit_id, on))
    if by.pk not in {one.pk for one in there}:
        raise NotYours
    if by.person_id in recused(standing, passing):
        raise AboutOneself(_why_recused(standing, by, passing))
    raise NotYours(_why_not(by, home))


def _why_not(by: Posting, home: bool) -> str:
    if by.holding == Posting.Holding.SECONDED and not home:
        return _("挂职干部只在挂职单位自己的步骤里表态。")
    return _("本岗位有正式任职的同事，应由其办理。")


def _why_recused(standing: Standing, by: Posting, passing: Pass | None) -> str:
    if by.person_id == standing.subject.person_id:
        return _("这件事与您本人有关，请换一位同事来办。")
    if Kin.objects.filter(subject=standing.subject_id, person=by.person_id).exists():
        return _("您与当事人有亲属关系，应当回避，请换一位同事来办。")
    return _("您在这一轮里已经表过态，请换一位同事来办。")


def owner(standing: Standing, post: str | None, on: date) -> list[Posting]:
    """Who holds a post towards a standing on a day: of its level, or the leader answerable."""
    if post == ANSWERABLE:
        leader = Posting.objects.filter(pk=standing.answerable).select_related("person", "unit").first()
        return [leader] if leader and is_standing(leader, on) else []
    level = level_of(post)
    return holders([post], area(standing, level), on) if post and level else []
