"""Importing sheets: choose a kind, hand in a file, see what it would do, do it, fetch what is to be fetched."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from bihuan.jobs import tasks
from bihuan.net.imports import handed
from bihuan.net.imports.registry import Importer, NoSuchImport, importer_for, importers
from bihuan.net.imports.running import template_table
from bihuan.net.imports.sheets import LARGEST, BadSheet
from bihuan.net.models import ImportRun, Role
from bihuan.web.posting import desk
from bihuan.web.setup.frame import has_whole, page, table

State = ImportRun.State
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RECENT = 20
TONES = {State.DONE: "ok", State.FAILED: "bad", State.TRIED: "info", State.QUEUED: "warn", State.RUNNING: "warn"}
WORK = "import_sheet"


class Files(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """At least one file; each must have content."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        found = data if isinstance(data, list) else [data]
        files = [super(FilesField, self).clean(one, initial) for one in found or [None]]
        if sum(file.size for file in files) > LARGEST:
            raise forms.ValidationError(_("文件太大，最多 %(size)d MB，请分成几份。") % {"size": LARGEST >> 20})
        return files


class SheetForm(forms.Form):
    """One or several files, and the choices of the kind."""

    files = FilesField(label=gettext_lazy("文件"), widget=Files(attrs={"multiple": True}))

    def __init__(self, *args: Any, kind: Importer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["files"].widget.attrs["accept"] = ",".join(kind.suffixes)
        self.fields["files"].help_text = _("可以选：%(suffixes)s") % {"suffixes": _("、").join(kind.suffixes)}
        for option in kind.options:
            self.fields[option.key] = _option_field(option)


def _option_field(option: Any) -> forms.Field:
    facts = {"label": _(option.title), "help_text": _(option.help) if option.help else "", "initial": option.default}
    if option.choices:
        choices = [(value, _(title)) for value, title in option.choices]
        return forms.ChoiceField(choices=choices, **facts)
    return forms.CharField(required=False, max_length=120, **facts)


def _kind(key: str) -> Importer:
    try:
        kind = importer_for(key)
    except NoSuchImport as error:
        raise Http404 from error
    if not kind.desk:
        raise Http404
    return kind


def _run(request: HttpRequest, number: int) -> ImportRun:
    if not has_whole(request):
        raise Http404
    return get_object_or_404(ImportRun.objects.select_related("by__person"), pk=number)


@desk(Role.ADMIN)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The kinds in the order of a first day, and what was handed in lately."""
    if not has_whole(request):
        return page(request, "setup_imports", "imports.html", {"barred": True})
    kinds = [{"key": kind.key, "title": _(kind.title), "help": _(kind.help)} for kind in importers() if kind.desk]
    runs = ImportRun.objects.select_related("by__person").order_by("-made_at", "-pk")[:RECENT]
    heads = [_("文件"), _("结果"), _("新增"), _("更改"), _("没有变化"), _("错误行"), _("经手"), _("时间")]
    rows = table(_("最近的导入"), heads, [_line(run) for run in runs], _("还没有导入过"), numbers=(2, 3, 4, 5))
    return page(request, "setup_imports", "imports.html", {"kinds": kinds, "runs": rows})


def _line(run: ImportRun) -> list[Any]:
    state = {"tone": TONES[State(run.state)], "text": run.get_state_display()}
    counts = [str(run.created), str(run.changed), str(run.same), str(run.wrong)]
    name = {"text": run.name, "url": f"/setup/imports/runs/{run.pk}/", "sub": _title(run)}
    when = f"{localtime(run.made_at):%m-%d %H:%M}"
    return [name, {"badge": state, "text": ""}, *counts, run.by.person.name, when]


def _title(run: ImportRun) -> str:
    try:
        return _(importer_for(run.kind).title)
    except NoSuchImport:
        return run.kind


@desk(Role.ADMIN)
def hand_in(request: HttpRequest, key: str) -> HttpResponse:
    """The page of one kind; POST takes files and tries them."""
    kind = _kind(key)
    if not has_whole(request):
        raise Http404
    is_post = request.method == "POST"
    form = SheetForm(request.POST if is_post else None, request.FILES if is_post else None, kind=kind)
    if is_post and form.is_valid():
        options = {option.key: form.cleaned_data[option.key] for option in kind.options}
        files = [(file.name, file.read()) for file in form.cleaned_data["files"]]
        try:
            run = handed.receive(key, files, options=options, by=request.posting, at=now())  # type: ignore[attr-defined]
        except BadSheet as error:
            form.add_error("files", str(error))
        else:
            return _set_going(run)
    rows = [[_(title), _(example), _("必填") if needed else _("选填")] for title, example, needed in kind.columns]
    context = {
        "form": form,
        "kind": {"key": key, "title": _(kind.title), "help": _(kind.help)},
        "takes_sheets": ".xlsx" in kind.suffixes,
        "table": table(_("表里的列"), [_("列名"), _("内容"), ""], rows),
        "crumbs": [{"label": _("导入"), "url": reverse("setup_imports")}, {"label": _(kind.title)}],
    }
    return page(request, "setup_imports", "hand_in.html", context, status=422 if form.errors else 200)


def _set_going(run: ImportRun) -> HttpResponse:
    """At once while somebody waits for it, or by the worker."""
    if handed.is_small(run):
        handed.execute(run, at=now())
    else:
        tasks.defer(WORK, run=run.pk)
    return redirect("setup_import", run.pk)


@tasks.does(WORK)
def import_sheet(run: int) -> None:
    handed.execute(ImportRun.objects.select_related("by").get(pk=run), at=now())


@desk(Role.ADMIN)
@require_safe
def template(request: HttpRequest, key: str) -> HttpResponse:
    """An empty sheet with the right titles and one row as an example."""
    return _download(template_table(_kind(key)).xlsx(), f"{key}.xlsx", XLSX)


@desk(Role.ADMIN)
@require_safe
def result(request: HttpRequest, number: int) -> HttpResponse:
    """What came of one hand-in; while it runs, the part asks again by itself."""
    run = _run(request, number)
    if getattr(request, "htmx", False):
        return render(request, "setup/_run.html", _result(run))
    return page(request, "setup_imports", "run.html", _result(run))


def _result(run: ImportRun) -> dict[str, Any]:
    counts = [
        {"label": _("表里的行"), "value": run.rows},
        {"label": _("新增"), "value": run.created, "tone": "ok" if run.created else ""},
        {"label": _("更改"), "value": run.changed},
        {"label": _("没有变化"), "value": run.same},
        {"label": _("不能导入的行"), "value": run.wrong, "tone": "bad" if run.wrong else ""},
    ]
    is_going = run.state in (State.QUEUED, State.RUNNING)
    return {
        "run": {"id": run.pk, "name": run.name, "title": _title(run), "message": run.message, "trial": run.trial},
        "state": {"tone": TONES[State(run.state)], "text": run.get_state_display()},
        "is_going": is_going,
        "is_tried": run.state == State.TRIED,
        "is_failed": run.state == State.FAILED,
        "counts": [] if is_going or run.state == State.FAILED else counts,
        "progress": handed.progress(run) if is_going else None,
        "samples": ["，".join(sample) for sample in run.samples],
        "problems": table(_("没有导入的行"), [_("行"), _("列"), _("值"), _("原因")], run.problems)
        if run.problems
        else None,
        "notes": table(_("已导入、但请核对"), ["", _("列"), _("值"), _("原因")], run.notes) if run.notes else None,
        "shown": handed.SHOWN,
        "has_errors": bool(run.problems or run.notes),
        "has_passwords": handed.has_passwords(run),
        "can_import": run.state == State.TRIED and run.created + run.changed > 0,
    }


@desk(Role.ADMIN)
@require_POST
def do(request: HttpRequest, number: int) -> HttpResponse:
    """The trial is wanted: import now."""
    run = _run(request, number)
    if run.state != State.TRIED:
        messages.error(request, _("这份表已经处理过了。"))
        return redirect("setup_import", run.pk)
    handed.confirm(run)
    return _set_going(run)


@desk(Role.ADMIN)
@require_safe
def errors(request: HttpRequest, number: int, suffix: str) -> HttpResponse:
    content = handed.error_sheet(_run(request, number), suffix)
    if content is None:
        raise Http404
    return _download(content, f"errors-{number}.{suffix}", XLSX if suffix == "xlsx" else "text/csv; charset=utf-8")


@desk(Role.ADMIN)
@require_POST
def passwords(request: HttpRequest, number: int) -> HttpResponse:
    """The sheet of one-time passwords, once, and only for whoever handed the people in."""
    run = _run(request, number)
    if run.by.person_id != request.posting.person_id:  # type: ignore[attr-defined]
        raise Http404
    content = handed.fetch_passwords(run)
    if content is None:
        messages.error(request, _("一次性密码表已经取走。需要时可以在人员页面逐个重设。"))
        return redirect("setup_import", run.pk)
    return _download(content, f"passwords-{number}.xlsx", XLSX)


def _download(content: bytes, name: str, kind: str) -> HttpResponse:
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
