import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.lib.cells import DANGEROUS, bare, harmless


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+86 138", "'+86 138"),
        ("-3楼", "'-3楼"),
        ("@某人", "'@某人"),
        ("\t=1", "'\t=1"),
        ("3号楼-2单元", "3号楼-2单元"),
        ("'引号开头", "'引号开头"),
        ("'=已有引号", "''=已有引号"),
        ("", ""),
    ],
)
def test_words_that_would_be_run_get_a_mark_and_others_do_not(said: str, written: str) -> None:
    assert harmless(said) == written
    assert bare(written) == said


@given(st.text(alphabet=st.sampled_from("'=+-@\t\r3号")))
def test_what_was_written_is_never_run_and_is_read_as_it_was_said(said: str) -> None:
    assert not harmless(said).startswith(DANGEROUS)
    assert bare(harmless(said)) == said


@given(st.text())
def test_any_words_come_back(said: str) -> None:
    assert bare(harmless(said)) == said
