import base64
import os
from time import perf_counter

import pytest
from django.db import connection

from bihuan.book.looks import PurposeMissing
from bihuan.book.models import Look
from bihuan.dossier import vault
from bihuan.dossier.models import Contact
from bihuan.lib.codes import BadPhone
from bihuan.net.regions import across_regions

NO = "2103812603020000017"


@pytest.fixture
def contact(county, at):
    made = vault.sealed_contact("王建国", "138 1234 1234", region_id=county.pk, case_id=7, case_no=NO, at=at)
    made.save(force_insert=True)
    return made


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13812341234", "138****1234"),
        ("0412-3222222", "041****2222"),
        ("3222222", "****2222"),
        ("12345", "*****"),
        ("", ""),
    ],
)
def test_a_phone_shows_its_ends_only(phone, shown):
    assert vault.mask_phone(phone) == shown


@pytest.mark.parametrize(("name", "shown"), [("王建国", "王**"), ("王", "王**"), ("𠮷田", "𠮷**"), ("", "")])
def test_a_name_shows_its_first_character_only(name, shown):
    assert vault.mask_name(name) == shown


@pytest.mark.parametrize("cipher", ["aes", "sm4"])
def test_what_is_sealed_opens_for_the_same_use_only(settings, cipher):
    settings.VAULT_CIPHER = cipher
    sealed = vault.seal("13812341234", "contact.phone:1")
    assert b"13812341234" not in sealed
    assert vault.unseal(sealed, "contact.phone:1") == "13812341234"
    with pytest.raises(vault.Unreadable):
        vault.unseal(sealed, "contact.phone:2")


@pytest.mark.parametrize("place", [0, 3, 8, 20, -1])
def test_a_changed_byte_anywhere_does_not_open(place):
    sealed = bytearray(vault.seal("王建国"))
    sealed[place] ^= 1
    with pytest.raises(vault.Unreadable):
        vault.unseal(bytes(sealed))


def test_the_same_words_are_sealed_differently_each_time():
    assert vault.seal("王建国") != vault.seal("王建国")


def test_an_old_key_still_opens_and_a_lost_one_does_not(settings):
    sealed, old = vault.seal("王建国"), settings.VAULT_KEY
    settings.VAULT_KEY, settings.VAULT_OLD_KEYS = os.urandom(32), [old]
    assert vault.unseal(sealed) == "王建国"
    settings.VAULT_OLD_KEYS = []
    with pytest.raises(vault.Unreadable, match="无法解密"):
        vault.unseal(sealed)


def test_F4_the_table_holds_nothing_readable(contact):
    with connection.cursor() as cursor:
        cursor.execute("SELECT dossier_contact::text FROM dossier_contact")
        row = cursor.fetchone()[0]
    assert "建国" not in row and "13812341234" not in row
    assert "1234123" not in bytes(contact.phone_index).decode("latin-1")


def test_rotation_seals_every_contact_under_the_new_key_and_may_be_repeated(contact, settings, county, at):
    other = vault.sealed_contact("李梅", "", region_id=county.pk, case_id=8, case_no=NO, at=at)
    other.save(force_insert=True)
    settings.VAULT_KEY, settings.VAULT_OLD_KEYS = os.urandom(32), [settings.VAULT_KEY]
    first, changed = vault.rotate(limit=1)
    assert (first, changed) == (min(contact.pk, other.pk), 1)
    assert vault.rotate(after=first, limit=10) == (0, 1)
    settings.VAULT_OLD_KEYS = []  # the old key may now be thrown away
    assert vault.rotate() == (0, 0)
    assert vault.numbers_for_sending(county.pk, [contact.pk, other.pk]) == {contact.pk: "13812341234"}


def test_changing_the_cipher_reseals_too(contact, settings, county):
    settings.VAULT_CIPHER = "sm4"
    assert vault.rotate() == (0, 1)
    assert vault.numbers_for_sending(county.pk, [contact.pk]) == {contact.pk: "13812341234"}


def test_F4_revealing_writes_who_looked_and_why(contact, agent, at):
    shown = vault.reveal(contact, by=agent, purpose="回拨核实地址", at=at)
    assert (shown.name, shown.phone) == ("王建国", "13812341234")
    look = Look.objects.get(region_id=contact.region_id)
    assert (look.posting, look.case_id, look.what, look.purpose, look.at) == (
        agent.pk,
        7,
        "contact",
        "回拨核实地址",
        at,
    )


def test_F4_without_a_purpose_nothing_is_shown(contact, agent, at):
    with pytest.raises(PurposeMissing, match="用途"):
        vault.reveal(contact, by=agent, purpose="  ", at=at)
    assert not Look.objects.filter(region_id=contact.region_id).exists()


def test_a_look_that_cannot_show_anything_is_not_written_down(contact, agent, at, settings):
    settings.VAULT_KEY = os.urandom(32)
    with pytest.raises(vault.Unreadable):
        vault.reveal(contact, by=agent, purpose="回拨", at=at)
    assert not Look.objects.filter(region_id=contact.region_id).exists()


def test_a_caller_is_found_by_any_spelling_of_the_phone_and_the_search_is_written_down(contact, agent, at):
    found = vault.find_by_phone("+86 138-1234-1234", by=agent, purpose="来电", at=at)
    assert [(one.pk, one.phone_mask, one.name_mask) for one in found] == [(contact.pk, "138****1234", "王**")]
    assert Look.objects.get(region_id=contact.region_id).what == "search"


def test_another_phone_finds_nobody_and_no_phone_is_said_so(contact, agent, at):
    assert vault.find_by_phone("13812341235", by=agent, purpose="来电", at=at) == []
    with pytest.raises(BadPhone):
        vault.find_by_phone("' OR 1=1", by=agent, purpose="来电", at=at)


def test_a_caller_is_found_across_regions(contact, agent, at):
    elsewhere = vault.sealed_contact("", "13812341234", region_id=99, case_id=9, case_no=NO, at=at)
    elsewhere.save(force_insert=True)
    assert len(vault.find_by_phone("13812341234", by=agent, purpose="来电", at=at)) == 2


def test_the_tail_fits_this_case_only(contact):
    assert vault.tail_fits(contact, NO, "1234")
    assert not vault.tail_fits(contact, NO, "1235")
    assert not vault.tail_fits(contact, "2103812603020000025", "1234")
    assert not vault.tail_fits(Contact(), NO, "")


def test_F4_an_erased_contact_is_gone_for_good(contact, agent, at):
    vault.erase_contact(contact, by=agent, at=at, ground="本人要求删除")
    contact.refresh_from_db()
    with across_regions("test"):
        kept = Contact.objects.values(
            "name_sealed", "phone_sealed", "phone_index", "tail_index", "name_mask", "phone_mask", "erased_at"
        ).get()
    assert list(kept.values()) == [None, None, None, None, "", "", at]
    assert vault.find_by_phone("13812341234", by=agent, purpose="来电", at=at) == []
    with pytest.raises(vault.Erased):
        vault.reveal(contact, by=agent, purpose="回拨", at=at)
    assert Look.objects.get(region_id=contact.region_id, what="erase").purpose == "本人要求删除"


def test_names_with_unfit_characters_are_kept_without_them(county, at):
    made = vault.sealed_contact("王\x00建国\ud800", "", region_id=county.pk, case_id=7, case_no=NO, at=at)
    made.save(force_insert=True)
    assert vault.unseal(made.name_sealed, f"contact.name:{made.pk}") == "王建国"


def test_sealing_a_contact_costs_a_hundred_microseconds_at_most(at):
    """It takes about 30; the bound leaves room for a busy machine."""
    rounds = 300
    best = min(_seconds(rounds, at) for _ in range(5))
    assert best / rounds < 100e-6


def _seconds(rounds, at):
    start = perf_counter()
    for _ in range(rounds):
        vault.sealed_contact("王建国", "13812341234", region_id=1, case_id=7, case_no=NO, at=at)
    return perf_counter() - start


def test_old_keys_are_read_from_their_base64(settings):
    from bihuan.run import secrets

    key = os.urandom(32)
    text = base64.urlsafe_b64encode(key).decode()
    assert secrets.key_bytes(text) == key and secrets.all_keys([text])
    with pytest.raises(ValueError, match="32 bytes"):
        secrets.all_keys([text[:20]])
