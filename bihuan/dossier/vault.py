"""The contact vault: names and phones encrypted, found by keyed hash, shown masked, opened only for a written purpose (F4).

A sealed value is `cipher (1 byte) | key id (4) | nonce (12) | ciphertext and tag`. The cipher and key id of every value
are its own, so keys and ciphers may change while old values stay readable. The `use` given at sealing is authenticated:
a value moved to another row or column does not open.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

from bihuan.book import looks
from bihuan.dossier.models import Contact
from bihuan.dossier.texts import tidy
from bihuan.lib.codes import normal_phone
from bihuan.lib.ids import new_id
from bihuan.net import tree
from bihuan.net.models import Posting
from bihuan.net.regions import across_regions

PREFIX, NONCE, TAG = 5, 12, 16
HISTORY = 50  # a caller's cases shown at once


class Unreadable(Exception):
    """A sealed value does not open: its key is gone, or somebody tampered with it."""

    def __init__(self) -> None:
        super().__init__("这条联系方式无法解密：密钥不在，或者数据被改动过。请联系管理员。")


class Erased(Exception):
    """The contact was erased at the resident's wish or by retention."""

    def __init__(self) -> None:
        super().__init__("这条联系方式已经按规定清除。")


class _Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated: bytes) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated: bytes) -> bytes: ...


class _Sm4Gcm:
    """SM4 in GCM mode with the shape of `AESGCM`. SM4 keys have 16 bytes, so one is derived from the vault key."""

    def __init__(self, key: bytes) -> None:
        self._key = algorithms.SM4(HKDF(SHA256(), length=16, salt=None, info=b"bihuan vault sm4").derive(key))

    def encrypt(self, nonce: bytes, data: bytes, associated: bytes) -> bytes:
        sealing = Cipher(self._key, modes.GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(associated)
        return sealing.update(data) + sealing.finalize() + sealing.tag

    def decrypt(self, nonce: bytes, data: bytes, associated: bytes) -> bytes:
        opening = Cipher(self._key, modes.GCM(nonce, data[-TAG:])).decryptor()
        opening.authenticate_additional_data(associated)
        return opening.update(data[:-TAG]) + opening.finalize()


_CIPHERS: dict[str, tuple[bytes, type]] = {"aes": (b"\x01", AESGCM), "sm4": (b"\x02", _Sm4Gcm)}


@cache
def _ring(cipher: str, current: bytes, old: tuple[bytes, ...]) -> tuple[bytes, dict[bytes, _Aead]]:
    """The prefix to seal under, and every cipher and key that can open, by prefix."""
    opening = {mark + _key_id(key): make(key) for mark, make in _CIPHERS.values() for key in (current, *old)}
    return _CIPHERS[cipher][0] + _key_id(current), opening


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"bihuan vault key id" + key).digest()[:4]


def _keys() -> tuple[bytes, dict[bytes, _Aead]]:
    return _ring(settings.VAULT_CIPHER, settings.VAULT_KEY, tuple(settings.VAULT_OLD_KEYS))


def seal(text: str, use: str = "") -> bytes:
    """`text` encrypted under the current key. The same `use` must be named to open it."""
    prefix, keys = _keys()
    nonce = os.urandom(NONCE)
    return prefix + nonce + keys[prefix].encrypt(nonce, text.encode(), prefix + use.encode())


def unseal(sealed: bytes, use: str = "") -> str:
    """What was sealed for `use`. Raises Unreadable when the key is unknown or anything was changed."""
    sealed = bytes(sealed)
    prefix, nonce, body = sealed[:PREFIX], sealed[PREFIX : PREFIX + NONCE], sealed[PREFIX + NONCE :]
    key = _keys()[1].get(prefix)
    if key is None or len(body) < TAG:
        raise Unreadable
    try:
        return key.decrypt(nonce, body, prefix + use.encode()).decode()
    except InvalidTag as error:
        raise Unreadable from error


def phone_index(phone: str) -> bytes:
    """The keyed hash by which a normalised phone is found."""
    return _blind(b"phone\0" + phone.encode())


def tail_index(case_no: str, tail4: str) -> bytes:
    """The keyed hash of a case number and the last four digits of its phone: what a resident shows to see the case."""
    return _blind(b"tail\0" + case_no.encode() + b"\0" + tail4.encode())


def identity_index(identity: str) -> bytes:
    """The keyed hash by which a resident identity number (normalised) is found."""
    return _blind(b"identity\0" + identity.encode())


def is_current(sealed: bytes) -> bool:
    """Whether a value is sealed under the key and the cipher that are in use now."""
    return bytes(sealed[:PREFIX]) == _keys()[0]


def _blind(data: bytes) -> bytes:
    return hmac.digest(settings.BLIND_KEY, data, "sha256")[:16]


def mask_phone(phone: str) -> str:
    """138****1234; of a number with fewer than eleven digits only the last four, of a very short one nothing."""
    if len(phone) >= 11:
        return f"{phone[:3]}****{phone[-4:]}"
    return f"****{phone[-4:]}" if len(phone) >= 7 else "*" * len(phone)


def mask_name(name: str) -> str:
    """王**: the first character and two stars, whatever the length."""
    return f"{name[0]}**" if name else ""


def sealed_contact(
    name: str, phone: str, *, region_id: int, case_id: int, case_no: str, at: datetime, pk: int | None = None
) -> Contact:
    """An unsaved contact of a case; see `sealed_columns`."""
    key = pk or new_id()
    return Contact(**sealed_columns(name, phone, pk=key, region_id=region_id, case_id=case_id, case_no=case_no, at=at))


def sealed_columns(
    name: str, phone: str, *, pk: int, region_id: int, case_id: int, case_no: str, at: datetime
) -> dict[str, Any]:
    """The columns of a new contact with everything sealed, indexed and masked; both words may be empty.

    The seals hold for the id `pk` only, so it cannot be changed afterwards.
    Raises what `normal_phone` raises for something that is no phone number.
    """
    name, phone = tidy(name).strip(), normal_phone(phone) if phone else ""
    columns = {"id": pk, "region_id": region_id, "case_id": case_id, "made_at": at}
    columns |= {"name_mask": mask_name(name), "phone_mask": mask_phone(phone)}
    if name:
        columns["name_sealed"] = seal(name, _use("name", pk))
    if phone:
        columns["phone_sealed"] = seal(phone, _use("phone", pk))
        columns |= {"phone_index": phone_index(phone), "tail_index": tail_index(case_no, phone[-4:])}
    return columns


def _use(field: str, contact_id: int) -> str:
    return f"contact.{field}:{contact_id}"


@dataclass(frozen=True, slots=True)
class Revealed:
    """A contact in the clear, on its way to one pair of eyes."""

    name: str
    phone: str


@transaction.atomic
def reveal(contact: Contact, *, by: Posting, purpose: str, at: datetime) -> Revealed:
    """Open a contact for `by` and write down the look. Whether `by` may see the case is the caller's question.

    Raises PurposeMissing, Erased or Unreadable; in none of these cases is anything shown.
    """
    if contact.erased_at:
        raise Erased
    looks.note(region_id=contact.region_id, case_id=contact.case_id, what="contact", by=by, purpose=purpose, at=at)
    return Revealed(_open(contact, "name"), _open(contact, "phone"))


def _open(contact: Contact, field: str) -> str:
    sealed = getattr(contact, f"{field}_sealed")
    return "" if sealed is None else unseal(sealed, _use(field, contact.pk))


@transaction.atomic
def find_by_phone(phone: str, *, by: Posting, purpose: str, at: datetime) -> list[Contact]:
    """The newest 50 contacts with this phone, whatever the region; masked as ever. The search itself is a look.

    Raises what `normal_phone` raises, and PurposeMissing. Two statements.
    """
    number = normal_phone(phone)
    region = tree.snapshot().region_of(by.unit_id)
    looks.note(region_id=region, case_id=None, what="search", by=by, purpose=purpose, at=at)
    with across_regions("a caller is one person, wherever the matters were filed"):
        return list(Contact.objects.filter(phone_index=phone_index(number)).order_by("-pk")[:HISTORY])


def tail_fits(contact: Contact, case_no: str, tail4: str) -> bool:
    """Whether `tail4` ends the phone left with this case. No phone, no fit."""
    kept = contact.tail_index
    return kept is not None and hmac.compare_digest(bytes(kept), tail_index(case_no, tail4))


def numbers_for_sending(region_id: int, contact_ids: Iterable[int]) -> dict[int, str]:
    """Phones by contact id, for a machine about to send messages; contacts without a phone are left out."""
    sealed = Contact.objects.filter(region_id=region_id, pk__in=list(contact_ids), phone_sealed__isnull=False)
    contacts = sealed.only("region_id", "phone_sealed")
    return {contact.pk: _open(contact, "phone") for contact in contacts}


@transaction.atomic
def erase_contact(contact: Contact, *, by: Posting | None, at: datetime, ground: str) -> None:
    """Blank name, phone, masks and indexes for good; `ground` says by what right, and is kept as a look."""
    looks.note(region_id=contact.region_id, case_id=contact.case_id, what="erase", by=by, purpose=ground, at=at)
    contact.name_sealed = contact.phone_sealed = contact.phone_index = contact.tail_index = None
    contact.name_mask = contact.phone_mask = ""
    contact.erased_at = at
    contact.save()


def rotate(*, after: int = 0, limit: int = 1000) -> tuple[int, int]:
    """Seal again under the current key what is sealed under another, for `limit` contacts with ids above `after`.

    Returns the last id looked at (0 when there are no more) and how many contacts changed. May be run again at any time.
    """
    with across_regions("the key of the whole vault changes"), transaction.atomic():
        contacts = list(Contact.objects.select_for_update().filter(pk__gt=after).order_by("pk")[:limit])
        changed = [contact for contact in contacts if _reseal(contact)]
        Contact.objects.bulk_update(changed, ["name_sealed", "phone_sealed"])
    return (contacts[-1].pk if len(contacts) == limit else 0), len(changed)


def _reseal(contact: Contact) -> bool:
    current, changed = _keys()[0], False
    for field in ("name", "phone"):
        sealed = getattr(contact, f"{field}_sealed")
        if sealed is not None and bytes(sealed[:PREFIX]) != current:
            setattr(contact, f"{field}_sealed", seal(_open(contact, field), _use(field, contact.pk)))
            changed = True
    return changed
