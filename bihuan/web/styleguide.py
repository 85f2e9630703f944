"""The design system, shown with itself: every part with a real example, at /styleguide/."""

from typing import Any
from uuid import uuid4

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

BEFORE, AFTER = "dist/sample-before.svg", "dist/sample-after.svg"

ICONS = (
    "home message-plus progress-check map-pin inbox send arrow-back-up phone-call repeat rubber-stamp camera "
    "microphone bell shield-check headset clipboard-list chart-line settings calendar flame urgent lock eye printer"
)


class ExampleForm(forms.Form):
    """One field of each sort that the product uses."""

    text = forms.CharField(
        label=gettext_lazy("发生了什么事"),
        help_text=gettext_lazy("说清楚什么事、在哪里、多久了，就够了。"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4, "data-voice": "", "data-count": 2000}),
    )
    address = forms.CharField(
        label=gettext_lazy("在哪里"), help_text=gettext_lazy("小区、路口或者附近的标志物。"), required=False
    )
    phone = forms.RegexField(
        r"^1\d{10}$",
        label=gettext_lazy("手机号"),
        error_messages={"invalid": gettext_lazy("手机号应为 11 位数字，请核对。")},
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel", "data-private": ""}),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("类型"),
        choices=[
            ("投诉", gettext_lazy("投诉")),
            ("求助", gettext_lazy("求助")),
            ("咨询", gettext_lazy("咨询")),
            ("建议", gettext_lazy("建议")),
        ],
        widget=forms.RadioSelect,
    )
    unit = forms.ChoiceField(
        label=gettext_lazy("承办单位"),
        choices=[
            ("", gettext_lazy("请选择")),
            ("1", gettext_lazy("住房和城乡建设局")),
            ("2", gettext_lazy("兴海街道")),
        ],
        required=False,
    )
    public = forms.BooleanField(label=gettext_lazy("同意公开办理结果（不公开姓名和电话）"), required=False)


@require_safe
def outlines(request: HttpRequest) -> JsonResponse:
    """Six made-up grids around one point, for the example map."""
    shapes = [square(122.67 + 0.01 * (n % 3), 40.872 + 0.01 * (n // 3), n) for n in range(6)]
    return JsonResponse({"type": "FeatureCollection", "features": shapes})


def square(west: float, south: float, n: int) -> dict[str, Any]:
    ring = [[west, south], [west + 0.01, south], [west + 0.01, south + 0.01], [west, south + 0.01], [west, south]]
    properties = {"name": _("第 %(n)s 网格（示例）") % {"n": n + 1}, "tone": ("", "", "warn", "ok", "", "bad")[n]}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    return render(request, "styleguide.html", examples())


def examples() -> dict[str, Any]:
    return {
        "form": ExampleForm(initial={"kind": "求助"}),
        "wrong_form": wrong_form(),
        "client_id": uuid4(),
        "nav_items": nav_items(),
        "tab_items": tab_items(),
        "swatches": [
            "page",
            "surface",
            "sunken",
            "accent",
            "accent-soft",
            "ok",
            "warn",
            "bad",
            "hold",
            "ink",
            "ink-2",
            "ink-3",
        ],
        "icon_names": ICONS.split(),
        "badges": badges(),
        "tabs": tabs(),
        "clocks": clocks(),
        "columns": [
            {"label": _("编号")},
            {"label": _("内容")},
            {"label": _("承办单位")},
            {"label": _("状态")},
            {"label": _("时限"), "num": True},
        ],
        "rows": rows(),
        "list_rows": list_rows(),
        "entries": entries(),
        "steps": steps(),
        "facts": facts(),
        "before": {"url": static(BEFORE), "alt": _("路面塌陷，长约两米")},
        "after": {"url": static(AFTER), "alt": _("路面已经补平")},
        "photos": photos(),
    }


def wrong_form() -> ExampleForm:
    form = ExampleForm(
        {"text": _("小区门口的路塌了一块，晚上看不见，老人容易摔。"), "phone": "1381234", "kind": "投诉"},
        auto_id="wrong_%s",
    )
    form.is_valid()
    form.add_error(None, _("有一处需要改，改好后再提交。您写的内容都还在。"))
    return form


def nav_items() -> list[dict[str, Any]]:
    return [
        {"label": _("待签收"), "url": "#table", "icon": "inbox", "count": 12, "tone": "info", "current": True},
        {"label": _("在办"), "url": "#table", "icon": "progress-check", "count": 38},
        {"label": _("将超时"), "url": "#table", "icon": "clock-exclamation", "count": 4, "tone": "warn"},
        {"label": _("已超时"), "url": "#table", "icon": "alert-circle", "count": 1, "tone": "bad"},
        {"label": _("待审核"), "url": "#table", "icon": "rubber-stamp"},
        {"label": _("已办结"), "url": "#table", "icon": "archive"},
    ]


def tab_items() -> list[dict[str, Any]]:
    return [
        {"label": _("任务"), "url": "#phone", "icon": "list-check", "count": 3, "current": True},
        {"label": _("上报"), "url": "#phone", "icon": "camera", "main": True},
        {"label": _("我的网格"), "url": "#phone", "icon": "map-pin"},
    ]


def badges() -> list[dict[str, str]]:
    return [
        {"text": _("待派单"), "tone": ""},
        {"text": _("办理中"), "tone": "info"},
        {"text": _("已办结"), "tone": "ok"},
        {"text": _("将超时"), "tone": "warn"},
        {"text": _("已超时"), "tone": "bad"},
        {"text": _("已暂停"), "tone": "hold"},
        {"text": _("二次办理"), "tone": "warn", "icon": "repeat"},
        {"text": _("保密"), "tone": "", "icon": "lock"},
    ]


def tabs() -> list[dict[str, Any]]:
    return [
        {"label": _("全部"), "url": "#tabs", "count": 55},
        {"label": _("待签收"), "url": "#tabs", "count": 12, "current": True, "tone": "info"},
        {"label": _("将超时"), "url": "#tabs", "count": 4, "tone": "warn"},
        {"label": _("已超时"), "url": "#tabs", "count": 1, "tone": "bad"},
        {"label": _("已办结"), "url": "#tabs"},
    ]


def clocks() -> list[dict[str, Any]]:
    why = _(
        "11 月 18 日（周二）15:20 派单，时限 5 个工作日，从次日算起。\n"
        "11 月 19、20、21、24、25 日为工作日，22、23 日是周末不算。\n"
        "所以最迟 11 月 25 日 17:30 答复。"
    )
    label, until = _("办理时限"), _("11 月 25 日 17:30 前")
    return [
        {
            "label": label,
            "tone": "ok",
            "percent": 40,
            "left": _("还剩 3 天"),
            "used": _("已用 2 个工作日"),
            "due": until,
            "why": why,
        },
        {
            "label": label,
            "tone": "warn",
            "percent": 86,
            "left": _("还剩 4 小时"),
            "used": _("已用 4 个半工作日"),
            "due": until,
        },
        {
            "label": label,
            "tone": "bad",
            "percent": 100,
            "left": _("已超 5 小时"),
            "used": _("已用 5 个工作日又 5 小时"),
            "due": until,
        },
        {
            "label": label,
            "tone": "hold",
            "percent": 55,
            "left": _("已暂停"),
            "used": _("等群众补充材料"),
            "due": _("补充后接着算"),
        },
    ]


def row(
    number: str, text: str, place: str, unit: str, badge: dict[str, str], due: str, tone: str = ""
) -> dict[str, Any]:
    cells = [
        {"text": number, "url": "#table", "label": _("编号")},
        {"text": text, "url": "#table", "sub": place, "wide": True},
        {"text": unit, "label": _("承办单位")},
        {"text": None, "badge": badge, "label": _("状态")},
        {"text": due, "num": True, "label": _("时限")},
    ]
    return {"id": number, "cells": cells, "tone": tone}


def rows() -> list[dict[str, Any]]:
    streets, works = _("兴海街道"), _("住房和城乡建设局")
    return [
        row(
            "HC20251118-00217-4",
            _("小区门口路面塌陷，约两米长，夜里没有照明，有老人摔倒"),
            _("永安社区 · 东方花园南门"),
            works,
            {"text": _("已超时"), "tone": "bad"},
            _("已超 5 小时"),
            "late",
        ),
        row(
            "HC20251119-00034-9",
            _("六号楼暖气不热，室温只有十五度"),
            _("永安社区 · 东方花园 6 号楼"),
            works,
            {"text": _("将超时"), "tone": "warn"},
            _("还剩 4 小时"),
            "near",
        ),
        row(
            "HC20251119-00051-2",
            _("早市占道经营，早上七点以后车辆无法通行"),
            _("站前社区 · 北顺路"),
            streets,
            {"text": _("办理中"), "tone": "info"},
            _("还剩 3 天"),
        ),
        row(
            "HC20251119-00066-7",
            _("咨询独居老人助餐补贴怎么办理"),
            _("福利社区"),
            _("民政局"),
            {"text": _("待签收"), "tone": ""},
            _("还剩 5 天"),
        ),
    ]


def list_rows() -> list[dict[str, Any]]:
    return [
        {
            "url": "#phone",
            "title": _("核查：东方花园南门路面是否已修好"),
            "meta": [_("永安第三网格"), _("距您约 300 米")],
            "badge_text": _("今天 17:30 前"),
            "badge_tone": "warn",
            "thumb": static(BEFORE),
        },
        {
            "url": "#phone",
            "title": _("上门：独居老人王奶奶家水管漏水，帮忙联系物业"),
            "meta": [_("永安第三网格")],
            "badge_text": _("新任务"),
            "badge_tone": "info",
            "badge_icon": "bell",
        },
        {
            "url": "#phone",
            "title": _("通知到户：周五停水检修（6 号楼至 9 号楼）"),
            "meta": [_("已通知 31 户，共 48 户")],
            "badge_text": _("进行中"),
            "badge_tone": "",
        },
    ]


def entries() -> list[dict[str, Any]]:
    return [
        {
            "title": _("答复待审核"),
            "who": _("住建局 · 李敏"),
            "at": _("今天 10:12"),
            "tone": "info",
            "icon": "writing",
            "text": _("已安排市政队填补塌陷处并加装两盏路灯，今早完工。"),
            "photos": photos()[1:],
        },
        {
            "title": _("首次联系"),
            "who": _("住建局 · 李敏"),
            "at": _("昨天 16:05"),
            "icon": "phone-outgoing",
            "text": _("电话联系，约定今早到现场。"),
        },
        {
            "title": _("退单未获同意"),
            "who": _("诉求中心 · 周航"),
            "at": _("昨天 11:40"),
            "tone": "warn",
            "icon": "arrow-back-up",
            "text": _("路段属市政养护范围，按职责清单仍由住建局办理。"),
        },
        {"title": _("派单"), "who": _("诉求中心 · 周航"), "at": _("11 月 18 日 15:20"), "icon": "send"},
        {
            "title": _("群众反映"),
            "who": _("网上"),
            "at": _("11 月 18 日 15:02"),
            "tone": "ok",
            "icon": "message-plus",
            "text": _("小区门口路面塌陷，约两米长，夜里没有照明，有老人摔倒。"),
            "photos": photos()[:1],
        },
    ]


def steps() -> list[dict[str, str]]:
    return [
        {"label": _("已收到"), "state": "done", "sub": "11-18 15:02"},
        {"label": _("已派单"), "state": "done", "sub": "11-18 15:20"},
        {"label": _("办理中"), "state": "now"},
        {"label": _("请您确认"), "state": ""},
        {"label": _("办结"), "state": ""},
    ]


def facts() -> list[dict[str, str]]:
    return [
        {"label": _("编号"), "value": "HC20251118-00217-4"},
        {"label": _("反映人"), "value": "张**　138****0217"},
        {"label": _("地点"), "value": _("永安社区第三网格，东方花园南门"), "url": "#facts"},
        {"label": _("主办"), "value": _("住房和城乡建设局")},
        {"label": _("协办"), "value": _("兴海街道、供电公司")},
    ]


def photos() -> list[dict[str, str]]:
    before, after = static(BEFORE), static(AFTER)
    return [
        {"url": before, "thumb": before, "alt": _("路面塌陷，长约两米")},
        {"url": after, "thumb": after, "alt": _("路面已经补平")},
    ]
