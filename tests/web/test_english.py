"""English is whole: every sentence has it, with the same blanks to fill, and no entry is left over."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from tests.web.said import PRODUCT, Sentence, sentences

PO = PRODUCT / "locale" / "en" / "LC_MESSAGES" / "django.po"
BLANK = re.compile(r"%\((\w+)\)[\d.]*[a-z]|\{(\w+)\}")
HAN = re.compile(r"[\u3400-\u9fff]+")
CHINESE_POINTS = re.compile(r"[\uff01-\uff5e\u3001\u3002]")


@pytest.fixture(scope="module")
def said() -> dict[Sentence, str]:
    return sentences()


@pytest.fixture(scope="module")
def english() -> dict[Sentence, Message]:
    with PO.open("rb") as file:
        return {_plain(message.id): message for message in read_po(file, locale="en") if message.id}


def _plain(said: str | list[str] | tuple[str, ...]) -> Sentence:
    return said if isinstance(said, str) else tuple(said)


def _words(message: Message) -> list[str]:
    """The English of an entry, the one for many last."""
    return [message.string] if isinstance(message.string, str) else list(message.string)


def test_every_sentence_has_its_english(said, english):
    missing = {sentence: place for sentence, place in said.items() if not _has(english.get(sentence))}
    assert missing == {}


def _has(message: Message | None) -> bool:
    return message is not None and not message.fuzzy and all(_words(message))


def test_no_entry_is_left_over(said, english):
    assert english.keys() - said.keys() == set()


def test_no_entry_stands_twice():
    ids = re.findall(r'^msgid ((?:".*"\n)+)', PO.read_text(), re.M)
    assert [said for said, times in Counter(ids).items() if times > 1] == []


def test_english_has_the_same_blanks(english):
    wrong = {said: _words(message) for said, message in english.items() if not _same_blanks(said, message)}
    assert wrong == {}


def _same_blanks(said: Sentence, message: Message) -> bool:
    """One case may be said without its number; many may not."""
    blanks = _blanks(said if isinstance(said, str) else said[-1])
    *one, many = _words(message)
    return _blanks(many) == blanks and all(_blanks(words) <= blanks for words in one)


def _blanks(words: str) -> set[str]:
    return {percent or braced for percent, braced in BLANK.findall(words)}


def test_blanks_can_be_filled(english):
    """A stray percent sign would break the page."""
    for message in english.values():
        for words in _words(message):
            if "%(" in words:
                assert words % dict.fromkeys(_blanks(words), 1)


def test_english_is_english(english):
    """A Chinese word stands in English only where it is quoted, as what to write into a sheet."""
    assert list(_chinese(english)) == []


def _chinese(english: dict[Sentence, Message]) -> Iterator[str]:
    for said, message in english.items():
        for words in _words(message):
            quoted = all(han in str(said) for han in HAN.findall(words))
            if not quoted or CHINESE_POINTS.search(words):
                yield words
