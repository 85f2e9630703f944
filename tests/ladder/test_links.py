"""The address of somebody's own page."""

import pytest

from bihuan.ladder import links


def test_the_address_leads_back_to_its_subject_and_cannot_be_guessed(world):
    subject = world.subject()
    signed = links.own_path(subject).split("/")[3]
    assert links.subject_of(signed) == subject
    for wrong in (signed[:-1], subject.no, signed.replace(subject.no, "AAAAAAAA")):
        with pytest.raises(links.NoSuchPage):
            links.subject_of(wrong)
