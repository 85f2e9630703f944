"""The postings sheet: who works where, in which role; with a login, an account with a one-time password."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.net.imports import columns
from bihuan.net.imports.columns import Column, Problem, merged_problems, read_rows
from bihuan.net.imports.copying import copy_in
from bihuan.net.imports.registry import File, Given, Outcome, importer
from bihuan.net.imports.sheets import Sheet
from bihuan.net.models import Person, Posting, Role
from bihuan.net.people import OneTime, hashed, one_time_password
from bihuan.net.scope import area_of
from bihuan.net.tree import Net, NoSuchUnit, snapshot

ROLES = {
    Role.AGENT: ("话务员", "接线员", "坐席"),
    Role.DISPATCHER: ("派单员", "受理员"),
    Role.CALLER: ("回访员",),
    Role.HANDLER: ("承办人", "经办人"),
    Role.CHIEF: ("承办单位负责人", "单位负责人", "负责人"),
    Role.GRID_WORKER: ("网格员", "网格长", "专职网格员"),
    Role.SUPERVISOR: ("督办员",),
    Role.LEADER: ("领导",),
    Role.ORGANISER: ("组织干部", "组织员", "组工干部"),
    Role.SECRETARY: ("党组织书记", "书记", "村书记", "党支部书记"),
    Role.ADMIN: ("管理员",),
}
HOLDINGS = {
    Posting.Holding.MAIN: ("主职", "正式"),
    Posting.Holding.ACTING: ("代理", "主持工作"),
    Posting.Holding.SECONDED: ("挂职", "借调"),
}
POSTINGS = (
    Column("unit", ("单位代码", "代码", "网格代码", "unit_code", "unit"), columns.code, required=True),
    Column("name", ("姓名", "name"), columns.text(40), required=True),
    Column("phone", ("电话", "手机", "手机号", "联系电话", "phone"), columns.phone),
    Column("role", ("岗位", "角色", "role"), columns.choice(ROLES), required=True),
    Column("title", ("职务", "公示职务", "title"), columns.text(40)),
    Column("holding", ("任职方式", "任职", "holding"), columns.choice(HOLDINGS)),
    Column("login", ("登录名", "账号", "用户名", "login"), columns.text(60)),
    Column("since", ("任职日期", "到任日期", "开始日期", "since"), columns.day),
)


@dataclass(frozen=True, slots=True)
class Appointment:
    """One row: a person, a role and a unit's code."""

    row: int
    unit: str
    name: str
    phone: str
    role: str
    title: str = ""
    holding: str = Posting.Holding.MAIN
    login: str = ""
    since: date | None = None


@importer(
    "postings",
    rank=40,
    title=_noop("人员与岗位"),
    help=_noop("谁在哪个单位、什么岗位。填了登录名的开通账号，一次性密码表只在导入后给一次，请当场下载。"),
    columns=(
        (_noop("单位代码"), "210381-ZJ", True),
        (_noop("姓名"), _noop("李建国"), True),
        (_noop("电话"), "13800001234", False),
        (
            _noop("岗位"),
            _noop("话务员、派单员、回访员、承办人、承办单位负责人、网格员、督办员、领导、组织干部、党组织书记、管理员"),
            True,
        ),
        (_noop("职务"), _noop("公示的职务，如 党委书记、网格长"), False),
        (_noop("任职方式"), _noop("主职、代理、挂职"), False),
        (_noop("登录名"), "lijianguo", False),
        (_noop("任职日期"), "2026-03-01", False),
    ),
    example=("210381-ZJ", "李建国", "13800001234", "承办人", "科员", "主职", "lijianguo", "2026-03-01"),
)
def import_postings(file: File, given: Given) -> Outcome:
    """People, postings and accounts. A person is known by the login, else by name and phone, else by name and unit."""
    known = [title for column in POSTINGS for title in column.titles]
    sheet = Sheet.read(file.content, file.name, known=known)
    reading = read_rows(sheet, POSTINGS)
    asked = [
        Appointment(
            row.number, row["unit"], row["name"], row["phone"] or "", row["role"], row["title"] or "",
            row["holding"] or Posting.Holding.MAIN, row["login"] or "", row["since"],
        )
        for row in reading.rows
    ]  # fmt: skip
    outcome = appoint_all(asked, at=given.at, by=given.by)
    outcome.rows = len(sheet)
    outcome.problems = merged_problems(reading.problems, outcome.problems)
    outcome.samples = [(one.name, one.unit, Role(one.role).label) for one in asked[:8]]
    return outcome


def appoint_all(asked: Iterable[Appointment], *, at: datetime, by: Posting | None) -> Outcome:
    """Bring people, postings and accounts in line with the rows. Nobody is dismissed by being absent from them."""
    return _Staffing(at, by).run(list(asked))


class _Refused(Exception):
    """A row that cannot be taken: (what is wrong, in which column, the value there)."""

    def __init__(self, says: str, column: str, value: str) -> None:
        super().__init__(says)
        self.says, self.column, self.value = says, column, value


class _Staffing:
    """What is stored, read in three queries, and what is to be written, in a few statements."""

    def __init__(self, at: datetime, by: Posting | None) -> None:
        self.at, self.by = at, by
        self.net: Net = snapshot()
        self.area = area_of(self.net.unit(by.unit_id), self.net).id if by is not None else None
        self.outcome = Outcome()
        self.new_people: list[Person] = []
        self.new_postings: list[tuple[Posting, Person]] = []
        self.new_users: list[tuple[User, Person]] = []
        self.differing: dict[int, Posting] = {}
        self.renamed: dict[int, Person] = {}
        self.seen: dict[tuple[object, int, str], int] = {}
        self._read()

    def _read(self) -> None:
        self.by_login: dict[str, Person] = {}
        self.by_phone: dict[tuple[str, str], Person] = {}
        self.by_unit: dict[tuple[str, int], Person] = {}
        for person in Person.objects.select_related("user"):
            self._remember(person)
        self.held: dict[tuple[int, int, str], Posting] = {}
        for posting in Posting.objects.filter(until=None).select_related("person"):
            self.held[posting.person_id, posting.unit_id, posting.role] = posting
            self.by_unit.setdefault((posting.person.name, posting.unit_id), posting.person)
        self.logins = set(User.objects.values_list("username", flat=True))

    def _remember(self, person: Person) -> None:
        if person.user is not None:
            self.by_login[person.user.username] = person
        if person.phone:
            self.by_phone.setdefault((person.name, person.phone), person)

    def run(self, asked: list[Appointment]) -> Outcome:
        self.outcome.rows = len(asked)
        for one in asked:
            try:
                self._take(one)
            except _Refused as error:
                self.outcome.problems.append(Problem(one.row, error.column, error.value, error.says))
        self._write()
        return self.outcome

    def _take(self, one: Appointment) -> None:
        unit = self._unit(one)
        person = self._person(one, unit)
        if self.by is not None and person.pk is not None and person.pk == self.by.person_id:
            raise _Refused(_("不能给自己安排岗位，请由另一位管理员办理"), _("姓名"), one.name)
        key = (id(person), unit, one.role)
        if key in self.seen:
            raise _Refused(_("与第 %(row)d 行重复") % {"row": self.seen[key]}, _("姓名"), one.name)
        self.seen[key] = one.row
        has_new_account = self._account(one, person)
        self._posting(one, person, unit, has_new_account)

    def _unit(self, one: Appointment) -> int:
        try:
            unit = self.net.by_code(one.unit)
        except NoSuchUnit:
            raise _Refused(_("没有这个代码的单位"), _("单位代码"), one.unit) from None
        if unit.died is not None:
            raise _Refused(_("这个单位已经撤销"), _("单位代码"), one.unit)
        if self.area is not None and self.area not in unit.path:
            raise _Refused(_("这个单位不在您的职责范围内"), _("单位代码"), one.unit)
        return unit.id

    def _person(self, one: Appointment, unit: int) -> Person:
        found = self.by_login.get(one.login) if one.login else None
        if found is not None and found.name != one.name:
            says = _("登录名已经是%(name)s的") % {"name": found.name}
            raise _Refused(says, _("登录名"), one.login)
        if found is None and one.phone:
            found = self.by_phone.get((one.name, one.phone))
        if found is None and (same := self.by_unit.get((one.name, unit))) and not (same.phone and one.phone):
            found = same
        if found is None:
            if one.login in self.logins:
                raise _Refused(_("登录名已经有人在用"), _("登录名"), one.login)
            found = Person(name=one.name, phone=one.phone)
            self.new_people.append(found)
        elif one.phone and found.phone != one.phone:
            found.phone = one.phone
            if found.pk is not None:
                self.renamed[found.pk] = found
        self._remember(found)
        self.by_unit.setdefault((one.name, unit), found)
        return found

    def _account(self, one: Appointment, person: Person) -> bool:
        """Open an account when a login is given and the person has none. Whether one was opened."""
        if not one.login or person.user is not None:
            if one.login and person.user is not None and person.user.username != one.login:
                says = _("%(name)s的登录名已经是“%(login)s”") % {"name": person.name, "login": person.user.username}
                raise _Refused(says, _("登录名"), one.login)
            return False
        if one.login in self.logins:
            raise _Refused(_("登录名已经有人在用"), _("登录名"), one.login)
        given = OneTime(person.name, one.login, one_time_password())
        person.user = User(username=one.login, password=hashed(given.password), date_joined=self.at)
        person.must_change_password = True
        self.new_users.append((person.user, person))
        self.logins.add(one.login)
        self.by_login[one.login] = person
        self.outcome.secrets.append((given.name, self.net.by_code(one.unit).name, given.login, given.password))
        return True

    def _posting(self, one: Appointment, person: Person, unit: int, has_new_account: bool) -> None:
        held = self.held.get((person.pk, unit, one.role)) if person.pk is not None else None
        if held is None:
            since = one.since or timezone.localdate(self.at)
            facts = {"unit_id": unit, "role": one.role, "holding": one.holding, "title": one.title, "since": since}
            self.new_postings.append((Posting(**facts), person))
            self.outcome.created += 1
            self.outcome.touched.add(one.row)
            return
        wanted = {"holding": one.holding} | ({"title": one.title} if one.title else {})
        is_changed = any(getattr(held, key) != value for key, value in wanted.items())
        for key, value in wanted.items():
            setattr(held, key, value)
        if is_changed:
            self.differing[held.pk] = held
        if is_changed or has_new_account or person.pk in self.renamed:
            self.outcome.changed += 1
            self.outcome.touched.add(one.row)
        else:
            self.outcome.same += 1

    def _write(self) -> None:
        copy_in([user for user, _person in self.new_users])
        for user, person in self.new_users:
            person.user_id = user.pk
            if person.pk is not None:
                self.renamed[person.pk] = person
        copy_in(self.new_people)
        for posting, person in self.new_postings:
            posting.person_id = person.pk
        copy_in([posting for posting, _person in self.new_postings])
        Person.objects.bulk_update(self.renamed.values(), ["phone", "user", "must_change_password"], batch_size=500)
        Posting.objects.bulk_update(self.differing.values(), ["holding", "title"], batch_size=500)
