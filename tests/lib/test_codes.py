from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bihuan.lib.codes import (
    SHORT_LETTERS,
    BadCode,
    BadNumber,
    BadPhone,
    BadResidentId,
    case_numbers,
    check_digit,
    is_below,
    level_of,
    make_case_number,
    new_short_code,
    normal_phone,
    parent_code,
    parse_case_number,
    parse_code,
    parse_resident_id,
    parse_short_code,
    phone_tail,
    prefix_of,
    short_check,
    spoken,
)

DAY = date(2026, 11, 20)


# Divisions and grids


@pytest.mark.parametrize(
    ("code", "level", "parent", "prefix"),
    [
        ("210000000000", 1, None, "21"),
        ("210300000000", 2, "210000000000", "2103"),
        ("210381000000", 3, "210300000000", "210381"),
        ("210381001000", 4, "210381000000", "210381001"),
        ("210381001004", 5, "210381001000", "210381001004"),
        ("210381001004002", 6, "210381001004", "210381001004002"),
        ("21038100100400207", 7, "210381001004002", "21038100100400207"),
        ("2103810010040020711", 8, "21038100100400207", "2103810010040020711"),
        ("210381100000", 4, "210381000000", "210381100"),  # a town's own zeros stay
        ("210381001100", 5, "210381001000", "210381001100"),  # and a community's
        ("441900003000", 4, "441900000000", "441900003"),  # a town directly under the city of 东莞
    ],
)
def test_levels_and_parents(code: str, level: int, parent: str | None, prefix: str) -> None:
    assert (parse_code(code), level_of(code), parent_code(code), prefix_of(code)) == (code, level, parent, prefix)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("21", "210000000000"),
        ("2103", "210300000000"),
        ("210381", "210381000000"),
        ("210381001", "210381001000"),
        (" 210381-001-004 ", "210381001004"),
        ("２１０３８１", "210381000000"),
    ],
)
def test_short_codes_are_filled_up(typed: str, code: str) -> None:
    assert parse_code(typed) == code


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("21038X", "全部是数字"),
        ("", "全部是数字"),
        ("2103810010040", "有13位"),
        ("2103810010040021", "有16位"),
        ("010381001004", "省级"),
        ("210081001004", "缺少中间一级"),  # a county without its city
        ("210381000004", "缺少中间一级"),  # a community without its town
        ("210381001004000", "一级全为0"),
        ("210381001000001", "一级全为0"),  # a grid right under a town
        ("21038100100400100", "一级全为0"),
    ],
)
def test_wrong_codes_are_explained(typed: str, why: str) -> None:
    with pytest.raises(BadCode, match=why):
        parse_code(typed)


@pytest.mark.parametrize(
    ("code", "above", "below"),
    [
        ("210381001004", "210381000000", True),
        ("210381001004002", "210000000000", True),
        ("21038100100400207", "210381001004002", True),
        ("210381000000", "210381000000", False),
        ("210300000000", "210381000000", False),
        ("210382001004", "210381000000", False),
        ("441900003000", "441900000000", True),
    ],
)
def test_what_lies_below(code: str, above: str, below: bool) -> None:
    assert is_below(code, above) is below


@st.composite
def codes(draw: st.DrawFn) -> str:
    parts = [str(draw(st.integers(11, 65)))]
    for width, most in ((2, 99), (2, 99), (3, 999), (3, 999), (3, 999), (2, 99), (2, 99))[: draw(st.integers(0, 7))]:
        parts.append(f"{draw(st.integers(1, most)):0{width}}")
    return parse_code("".join(parts)) if len(parts) < 6 else "".join(parts)


@given(codes())
def test_each_step_up_is_one_level_and_lies_above(code: str) -> None:
    assert parse_code(code) == code
    steps = [code]
    while (parent := parent_code(steps[-1])) is not None:
        assert is_below(steps[-1], parent)
        assert level_of(parent) == level_of(steps[-1]) - 1
        steps.append(parent)
    assert len(steps) == level_of(code)
    assert all(is_below(code, above) for above in steps[1:])


# Case numbers


def test_the_check_digit_follows_iso_7064() -> None:
    # The standard's own example: 0794 -> 5. P=10; 0: (10)%10->10,*2%11=9; 7: 16%10=6,12%11=1; 9: 10->10,20%11=9;
    # 4: 13%10=3,6%11=6; 11-6 = 5
    assert check_digit("0794") == "5"


def test_a_case_number_has_region_day_sequence_and_check_digit() -> None:
    number = make_case_number("210381", DAY, 123)
    assert number[:18] == "210381261120000123"
    assert len(number) == 19
    parsed = parse_case_number(number)
    assert (parsed.region, parsed.day, parsed.sequence, parsed.text) == ("210381", DAY, 123, number)
    assert spoken(number) == f"210381-261120-000123-{number[18]}"


NUMBERS = st.builds(
    make_case_number,
    st.integers(110000, 659999).map(str),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.integers(1, 999_999),
)


@given(NUMBERS, st.data())
def test_a_number_is_read_however_it_is_typed(number: str, data: st.DataObject) -> None:
    typed = "".join(data.draw(st.sampled_from([c, c + " ", c + "-", c + "－", chr(ord(c) + 0xFEE0)])) for c in number)
    assert parse_case_number(f"  {typed}\n").text == number
    assert parse_case_number(spoken(number)).text == number


@given(NUMBERS, st.integers(0, 18), st.integers(1, 9))
def test_every_single_wrong_digit_is_noticed(number: str, place: int, shift: int) -> None:
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    with pytest.raises(BadNumber):
        parse_case_number(wrong)


@given(NUMBERS, st.integers(0, 17))
def test_swapped_neighbours_are_noticed_as_far_as_the_algorithm_can(number: str, place: int) -> None:
    a, b = number[place], number[place + 1]
    assume(a != b)
    swapped = number[:place] + b + a + number[place + 2 :]
    if check_digit(swapped[:18]) != swapped[18]:
        with pytest.raises(BadNumber):
            parse_case_number(swapped)
    else:
        assert _carry(number, place) in SWAPS_MISSED.get(frozenset((a, b)), set())


def _carry(number: str, place: int) -> int:
    """The algorithm's state before a place."""
    product = 10
    for digit in number[:place]:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return product


def _swaps_missed() -> dict[frozenset[str], set[int]]:
    """Pairs of digits whose swap leaves the same state, with the states before them where that happens."""
    missed: dict[frozenset[str], set[int]] = {}
    for state in range(1, 11):
        for a in range(10):
            for b in range(a):
                if _step(_step(state, a), b) == _step(_step(state, b), a):
                    missed.setdefault(frozenset((str(a), str(b))), set()).add(state)
    return missed


def _step(state: int, digit: int) -> int:
    return ((state + digit) % 10 or 10) * 2 % 11


SWAPS_MISSED = _swaps_missed()


def test_few_swaps_can_be_missed() -> None:
    # of 10 states x 45 pairs of different digits
    assert sum(map(len, SWAPS_MISSED.values())) <= 10


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "请填写编号"),
        ("21038126112000012", "现在是17位"),
        ("21038126112000012345", "现在是20位"),
        ("单号210381261120000123", "只能是数字"),
        ("210381261332000123" + "0", "日期“261332”不存在"),
        ("210381260229000123" + "0", "日期“260229”不存在"),  # 2026 is no leap year
    ],
)
def test_wrong_numbers_are_explained(typed: str, why: str) -> None:
    with pytest.raises(BadNumber, match=why):
        parse_case_number(typed)


@pytest.mark.parametrize(
    ("region", "day", "sequence", "why"),
    [
        ("21038", DAY, 1, "6位数字"),
        ("210381", date(1999, 1, 1), 1, "1999年"),
        ("210381", DAY, 0, "用完"),
        ("210381", DAY, 1_000_000, "用完"),
    ],
)
def test_numbers_that_cannot_be_made(region: str, day: date, sequence: int, why: str) -> None:
    with pytest.raises(BadNumber, match=why):
        make_case_number(region, day, sequence)


# Phones


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("13812341234", "13812341234"),
        ("138 1234 1234", "13812341234"),
        ("138-1234-1234", "13812341234"),
        ("+86 138 1234 1234", "13812341234"),
        ("+8613812341234", "13812341234"),
        ("008613812341234", "13812341234"),
        ("8613812341234", "13812341234"),
        ("１３８１２３４１２３４", "13812341234"),
        ("\u202d13812341234\u202c", "13812341234"),  # as copied from a phone's contacts
        ("0412-3222222", "0412-3222222"),
        ("04123222222", "0412-3222222"),
        ("（0412）3222222", "0412-3222222"),
        ("+86 412 3222222", "0412-3222222"),
        ("010-62345678", "010-62345678"),
        ("+86 10 62345678", "010-62345678"),
        ("024 8612 3456", "024-86123456"),
    ],
)
def test_phones_have_one_form(typed: str, phone: str) -> None:
    assert normal_phone(typed) == phone
    assert normal_phone(phone) == phone
    assert phone_tail(typed.strip("\u202c")) == phone[-4:]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "请填写电话号码"),
        ("1381234123", "现在是10位"),
        ("138123412345", "现在是12位"),
        ("12812341234", "电话号码不对"),
        ("3222222", "请加区号"),
        ("86123456", "请加区号"),
        ("0412-3222222转801", "只能是数字"),
        ("电话", "只能是数字"),
        ("+852 2345 6789", "中国大陆"),
        ("0412-1222222", "电话号码不对"),
        ("12345", "现在是5位"),
    ],
)
def test_wrong_phones_are_explained(typed: str, why: str) -> None:
    with pytest.raises(BadPhone, match=why):
        normal_phone(typed)


@given(st.text(max_size=30))
def test_any_text_is_a_phone_or_a_sentence(text: str) -> None:
    try:
        assert normal_phone(normal_phone(text)) == normal_phone(text)
    except BadPhone as error:
        assert str(error)


# Resident ids (numbers made up, check characters computed as GB 11643 says)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        # weights 7 9 10 5 8 4 2 1 6 3 7 9 10 5 8 4 2 over 1101 0519 4912 3100 2 sum to 167; 167 % 11 = 2 -> X
        ("11010519491231002X", "11010519491231002X"),
        ("11010519491231002x", "11010519491231002X"),
        ("110105 19491231 002Ｘ", "11010519491231002X"),
    ],
)
def test_resident_ids(typed: str, number: str) -> None:
    assert parse_resident_id(typed) == number


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("1101051949123100", "现在是16位"),
        ("1101051949123100AX", "只能是数字"),
        ("110105194902310023", "出生日期"),
        ("110105194912310021", "有一位不对"),
    ],
)
def test_wrong_resident_ids_are_explained(typed: str, why: str) -> None:
    with pytest.raises(BadResidentId, match=why):
        parse_resident_id(typed)


@given(st.integers(0, 16), st.integers(1, 9))
def test_every_wrong_digit_of_a_resident_id_is_noticed(place: int, shift: int) -> None:
    number = "11010519491231002X"
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    with pytest.raises(BadResidentId):
        parse_resident_id(wrong)


def test_many_case_numbers_are_those_made_one_by_one():
    day = date(2026, 11, 20)
    assert list(case_numbers("210381", day, range(98, 1203))) == [
        make_case_number("210381", day, sequence) for sequence in range(98, 1203)
    ]
    assert list(case_numbers("210381", day, range(5, 5))) == []
    with pytest.raises(BadNumber, match="用完"):
        list(case_numbers("210381", day, range(999_999, 1_000_001)))


# Short codes


@given(st.text(SHORT_LETTERS, min_size=7, max_size=7))
def test_a_short_code_is_read_as_people_write_it(body):
    code = body + short_check(body)
    assert parse_short_code(f" {code[:4].lower()}-{code[4:]} ") == code


@given(st.text(SHORT_LETTERS, min_size=7, max_size=7), st.integers(0, 7), st.sampled_from(SHORT_LETTERS))
def test_every_single_wrong_character_of_a_short_code_is_caught(body, at, letter):
    code = body + short_check(body)
    assume(code[at] != letter)
    with pytest.raises(BadNumber, match="有一位不对"):
        parse_short_code(code[:at] + letter + code[at + 1 :])


@pytest.mark.parametrize(("text", "says"), [("", "请填写"), ("ABC", "现在是3位"), ("O2345678", "没有“O”")])
def test_what_is_no_short_code_is_told_why(text, says):
    with pytest.raises(BadNumber, match=says):
        parse_short_code(text)


def test_a_new_short_code_is_a_good_one():
    assert parse_short_code(new_short_code()) != new_short_code()
