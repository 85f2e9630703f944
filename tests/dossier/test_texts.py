import pytest

from bihuan.book.models import Look
from bihuan.dossier import texts
from bihuan.dossier.models import Text

WORDS = {"region_id": 3, "case_id": 7}


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("井盖坏了😀\r\n请快修\r", "井盖坏了😀\n请快修\n"),
        ("a\x00b\x1bc\ud83d", "abc"),
        ("<script>alert(1)</script>'; DROP TABLE x;--", "<script>alert(1)</script>'; DROP TABLE x;--"),
        ("𠮷㐂\t龘", "𠮷㐂\t龘"),
    ],
)
def test_words_are_kept_but_for_what_cannot_be_stored(db, raw, kept):
    text, _ = texts.write(raw, **WORDS)
    assert Text.objects.get(region_id=3, pk=text.pk).body == kept


def test_the_digest_tells_body_and_place_apart():
    assert texts.digest("ab", "c", b"salt") != texts.digest("a", "bc", b"salt")


def test_the_same_words_have_another_digest_each_time(db):
    assert texts.write("井盖坏了", **WORDS)[1] != texts.write("井盖坏了", **WORDS)[1]


def test_the_digest_proves_the_row_until_a_word_is_changed(db):
    text, proof = texts.write("井盖坏了", place="海州街", **WORDS)
    text.refresh_from_db()
    assert texts.proves(text, proof)
    text.body = "井盖没坏"
    assert not texts.proves(text, proof)


def test_F4_an_erased_text_is_blank_and_neither_proves_nor_contradicts(agent, at):
    text, proof = texts.write("我叫王建国，住海州街5号", place="海州街5号", **WORDS)
    texts.erase(text, by=agent, at=at, ground="本人要求删除")
    text.refresh_from_db()
    assert (text.body, text.place, text.salt, text.erased_at) == ("", "", None, at)
    assert texts.proves(text, proof)
    look = Look.objects.get(region_id=3)
    assert (look.what, look.purpose, look.case_id) == ("erase", "本人要求删除", 7)


def test_a_text_of_a_hundred_thousand_characters_is_kept(db):
    text, proof = texts.write("长" * 100_000, **WORDS)
    text.refresh_from_db()
    assert len(text.body) == 100_000 and texts.proves(text, proof)


def test_a_place_is_cut_at_two_hundred_characters(db):
    text, proof = texts.write("x", place="路" * 300, **WORDS)
    text.refresh_from_db()
    assert len(text.place) == 200 and texts.proves(text, proof)
