"""People of the net and their accounts: a login, a one-time password given once, and the change it forces."""

import secrets
from dataclasses import dataclass

from django.contrib.auth.hashers import get_hasher
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bihuan.net.models import Person

# No letters or digits that are mistaken for one another on paper.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LENGTH = 15


class AccountFault(Exception):
    """The account cannot be made or changed like that; the message is for the user."""


@dataclass(frozen=True, slots=True)
class OneTime:
    """A login and its one-time password. Only its hash is stored: show it once."""

    name: str
    login: str
    password: str


def one_time_password() -> str:
    """Three groups of five, 74 bits: 7h3kd-9wmzq-v2xnf."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(letters[i : i + 5] for i in range(0, LENGTH, 5))


def hashed(password: str) -> str:
    """The hash of a random one-time password.

    Seventy-four random bits need no slow hash, and a sheet of thousands of people must not take hours; a password a
    person chose gets the full count, and so does this one at its first use (Django renews a hash with too few rounds).
    """
    hasher = get_hasher("default")
    if hasattr(hasher, "iterations"):
        return hasher.encode(password, hasher.salt(), iterations=1000)
    return hasher.encode(password, hasher.salt())


@transaction.atomic
def open_account(person: Person, login: str) -> OneTime:
    """An account for a person who has none. Raises AccountFault when the login is taken."""
    if person.user_id is not None:
        raise AccountFault(_("%(name)s已经有账号。") % {"name": person.name})
    password = one_time_password()
    try:
        with transaction.atomic():
            person.user = User.objects.create(username=login, password=hashed(password))
    except IntegrityError:  # held by the database: two administrators may type the same at once
        raise AccountFault(_("登录名“%(login)s”已经有人在用。") % {"login": login}) from None
    person.must_change_password = True
    person.save(update_fields=["user", "must_change_password"])
    return OneTime(person.name, login, password)


@transaction.atomic
def reset_password(person: Person) -> OneTime:
    """A new one-time password; the old one stops working. Raises AccountFault without an account."""
    if person.user is None:
        raise AccountFault(_("%(name)s还没有账号。") % {"name": person.name})
    password = one_time_password()
    person.user.password = hashed(password)
    person.user.save(update_fields=["password"])
    person.must_change_password = True
    person.save(update_fields=["must_change_password"])
    return OneTime(person.name, person.user.username, password)


@transaction.atomic
def change_password(person: Person, *, old: str, new: str) -> None:
    """A person chooses a password. Raises AccountFault, saying what is wrong with it."""
    user = person.user
    if user is None or not user.check_password(old):
        raise AccountFault(_("现在的密码不对。"))
    if old == new:
        raise AccountFault(_("新密码不能和现在的一样。"))
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise AccountFault(" ".join(error.messages)) from error
    user.set_password(new)
    user.save(update_fields=["password"])
    person.must_change_password = False
    person.save(update_fields=["must_change_password"])
