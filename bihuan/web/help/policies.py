"""The policies a program lists: what may be granted, by whom and how much; and for one person whether, or why not."""

from typing import Any

from django.forms import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bihuan.ladder.answers import known
from bihuan.ladder.models import Standing
from bihuan.ladder.rules import rules_of
from bihuan.net.scope import covers
from bihuan.programs.ladder import LadderProgram, Policy
from bihuan.web.help.fields import SubjectField, standing_of
from bihuan.web.help.frame import first_of, helper, may_raise, page, person_url, program_here, program_tabs

URL = "/people/policies/{}/"


def has_policies(rules: LadderProgram) -> bool:
    return bool(rules.policies)


@require_safe
@helper
def first(request: HttpRequest) -> HttpResponse:
    return first_of(request, has_policies, URL)


@require_safe
@helper
def show(request: HttpRequest, program: str) -> HttpResponse:
    """Every policy of the program; with `?s=` for one person of the own area. Facts of the person take one query."""
    rules = program_here(request, program)
    if not has_policies(rules):
        raise Http404
    standing, said, wrong = _person(request, rules) if may_raise(request.posting) else (None, "", "")  # type: ignore[attr-defined]
    terms = rules_of(standing) if standing else rules
    values = known(standing.subject, terms, request.now).values if standing else None  # type: ignore[attr-defined]
    context = {
        "tabs": program_tabs(request, has_policies, URL, rules.key), "may_ask": may_raise(request.posting),  # type: ignore[attr-defined]
        "subject": rules.label("program", "subject", get_language()), "q": said, "wrong": wrong,
        "person": _shown(standing) if standing else None,
        "policies": [_policy(terms, policy, values, request) for policy in terms.policies.values()],
    }  # fmt: skip
    return page(request, "policies", "help/policies.html", context)


def _person(request: HttpRequest, rules: LadderProgram) -> tuple[Standing | None, str, str]:
    """The standing asked about, what was typed, and what is wrong with it."""
    said = request.GET.get("s", "").strip()[:80]
    if not said:
        return None, "", ""
    try:
        subject = SubjectField(by=request.posting, label="").clean(said)  # type: ignore[attr-defined]
    except ValidationError as error:
        return None, said, error.messages[0]
    standing = standing_of(subject, rules.key) if subject else None
    if standing is None or not covers(request.posting, standing.unit):  # type: ignore[attr-defined]
        return None, said, _("此人不在“%(program)s”里。") % {"program": rules.label("program", "title", get_language())}
    return standing, said, ""


def _shown(standing: Standing) -> dict[str, str]:
    return {"name": standing.subject.name, "url": person_url(standing.no)}


def _policy(rules: LadderProgram, policy: Policy, values: Any, request: HttpRequest) -> dict[str, Any]:
    lang = get_language()
    return {
        "title": rules.label("policy", policy.key, lang), "text": rules.label("policy_text", policy.key, lang),
        "facts": [{"label": label, "value": value} for label, value in _limits(rules, policy) if value],
        "tests": [rules.label("test", key, lang) for key in policy.must],
        **(_verdict(rules, policy, values, request) if values is not None else {}),
    }  # fmt: skip


def _limits(rules: LadderProgram, policy: Policy) -> list[tuple[str, str]]:
    kind = rules.entries.get(policy.measure or "")
    unit = kind.unit if kind else ""
    least, most = (f"{number:,}{unit}" if number is not None else "" for number in (policy.least, policy.most))
    bounds = f"{least} — {most}" if least and most else _("至多%(most)s") % {"most": most} if most else ""
    return [
        (_("由谁给"), policy.giver), (_("额度"), bounds or (_("至少%(least)s") % {"least": least} if least else "")),
        (_("期限"), _("%(n)d个月") % {"n": policy.months} if policy.months else ""),
    ]  # fmt: skip


def _verdict(rules: LadderProgram, policy: Policy, values: Any, request: HttpRequest) -> dict[str, Any]:
    on = timezone.localdate(request.now)  # type: ignore[attr-defined]
    verdicts = [rules.judge(key, values, on) for key in policy.must]
    why = [verdict.why for verdict in verdicts if not verdict.ok]
    return {"asked": True, "ok": not why, "why": why, "verdict": _("符合条件") if not why else _("还不符合")}
