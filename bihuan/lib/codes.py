"""Codes people write, type and read over the phone: divisions and grids, case numbers, phones, resident ids.

Division codes have 12 digits: 6 for province, city and county (GB/T 2260), 3 for the street or town, 3 for the village
or community (GB/T 10114). A unit grid appends 3 digits to its community's code, each level of sub-grids 2 more.
"""

import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Self

# Significant digits at each level: province, city, county, town, community; then grids.
_DIVISION_WIDTHS = (2, 4, 6, 9, 12)
COMMUNITY_LEVEL, GRID_LEVEL = 5, 6
GRID_WIDTH, SUBGRID_STEP = 15, 2

# What people put between digits: spaces, hyphens and dashes of all sorts, dots, brackets, invisible marks from copying.
_SEPARATORS = re.compile(r"[\s\-‐‑‒–—―−·.()（）\u200b-\u200f\u202a-\u202e\u2060\ufeff]+")


class BadCode(ValueError):
    """Not a division or grid code; the message says why."""


class BadNumber(ValueError):
    """Not a case number; the message tells its reader what is wrong."""


class BadPhone(ValueError):
    """Not a phone number of mainland China; the message says what is expected.

    Who says it in another language translates `sentence` and fills in `given`.
    """

    def __init__(self, sentence: str, **given: object) -> None:
        super().__init__(sentence % given if given else sentence)
        self.sentence, self.given = sentence, given


class BadResidentId(ValueError):
    """Not a resident identity number; the message says why."""


def plain_digits(text: str) -> str:
    """Text with full-width characters made plain and separators taken out."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))


# Divisions and grids


def parse_code(text: str) -> str:
    """A division or grid code in full; the 2, 4, 6 or 9 digits of a division are filled up to 12 with zeros."""
    code = plain_digits(text)
    if not code.isdecimal() or not code.isascii():
        raise BadCode(f"代码“{text}”应全部是数字")
    if len(code) in _DIVISION_WIDTHS:
        code = code.ljust(12, "0")
    if len(code) != 12 and (len(code) < GRID_WIDTH or (len(code) - GRID_WIDTH) % SUBGRID_STEP):
        raise BadCode(f"代码“{text}”有{len(code)}位，行政区划应为12位，单元网格应为15位，下级网格每级再加2位")
    _require_whole(code)
    return code


def _require_whole(code: str) -> None:
    """No part may be zero under a part that is not, except a county's (towns directly under a city, as in 东莞)."""
    if code[0] == "0" or code[:2] == "00":
        raise BadCode(f"代码“{code}”的省级部分不对")
    if (code[2:4] == "00" and code[4:].strip("0")) or (code[6:9] == "000" and code[9:].strip("0")):
        raise BadCode(f"代码“{code}”缺少中间一级")
    parts = [code[9:12], code[12:15], *(code[i : i + 2] for i in range(GRID_WIDTH, len(code), SUBGRID_STEP))]
    if len(code) > 12 and not all(part.strip("0") for part in parts):
        raise BadCode(f"网格代码“{code}”中有一级全为0")


def level_of(code: str) -> int:
    """1 province, 2 city, 3 county, 4 town or street, 5 village or community, 6 unit grid, 7 and on its sub-grids."""
    if len(code) > 12:
        return GRID_LEVEL + (len(code) - GRID_WIDTH) // SUBGRID_STEP
    return next(level for level, width in enumerate(_DIVISION_WIDTHS, 1) if not code[width:].strip("0"))


def parent_code(code: str) -> str | None:
    """The code one level up; None for a province. A town directly under a city has the city as parent."""
    if len(code) > GRID_WIDTH:
        return code[:-SUBGRID_STEP]
    if len(code) == GRID_WIDTH:
        return code[:12]
    level = level_of(code)
    return None if level == 1 else code[: _DIVISION_WIDTHS[level - 2]].ljust(12, "0")


def prefix_of(code: str) -> str:
    """The digits that all codes below share."""
    return code if len(code) > 12 else code[: _DIVISION_WIDTHS[level_of(code) - 1]]


def is_below(code: str, above: str) -> bool:
    """Whether a code lies strictly below another, at any depth."""
    return code != above and code.startswith(prefix_of(above)) and level_of(code) > level_of(above)


# Case numbers


@dataclass(frozen=True, slots=True)
class CaseNumber:
    """region: 6 digits; day: when it was filed, on the region's clock; sequence: 1 to 999999 within both."""

    region: str
    day: date
    sequence: int

    @property
    def text(self) -> str:
        """The 19 digits as they are stored."""
        day = self.day  # not strftime, which takes longer than all the rest
        body = f"{self.region}{day.year % 100:02}{day.month:02}{day.day:02}{self.sequence:06}"
        return body + check_digit(body)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str) -> Self:
        digits = plain_digits(text)
        _require_number(digits)
        try:
            day = date(2000 + int(digits[6:8]), int(digits[8:10]), int(digits[10:12]))
        except ValueError:
            raise BadNumber(f"编号中的日期“{digits[6:12]}”不存在，请核对编号") from None
        if digits[18] != check_digit(digits[:18]):
            raise BadNumber("编号有一位不对（校验不符），请逐位核对")
        return cls(digits[:6], day, int(digits[12:18]))


def _require_number(digits: str) -> None:
    if not digits:
        raise BadNumber("请填写编号")
    if not digits.isdecimal() or not digits.isascii():
        raise BadNumber("编号只能是数字，请去掉其他文字")
    if len(digits) != 19:
        raise BadNumber(f"编号应为19位数字，现在是{len(digits)}位，请核对")


def make_case_number(region6: str, day: date, sequence: int) -> str:
    """A 19-digit case number: region, yymmdd, sequence, check digit."""
    if len(region6) != 6 or not region6.isdecimal():
        raise BadNumber(f"地区代码“{region6}”应为6位数字")
    if not 2000 <= day.year <= 2099:
        raise BadNumber(f"编号不能表示{day.year}年")
    if not 1 <= sequence <= 999_999:
        raise BadNumber("当天的编号已经用完")
    return CaseNumber(region6, day, sequence).text


def case_numbers(region6: str, day: date, sequences: range) -> Iterator[str]:
    """Many numbers of one region's day, as `make_case_number` makes each; what they share is worked out once."""
    if not sequences:
        return
    shared = make_case_number(region6, day, sequences[0])[:12]
    make_case_number(region6, day, sequences[-1])  # refuses a day that has run out of numbers
    product = _product(shared, 10)
    for sequence in sequences:
        digits = f"{sequence:06}"
        yield f"{shared}{digits}{(11 - _product(digits, product)) % 10}"


def parse_case_number(text: str) -> CaseNumber:
    """Read a case number as people type it: spaces, dashes and full-width digits are fine."""
    return CaseNumber.parse(text)


def spoken(number: str) -> str:
    """A case number in groups for the phone: 210381-261120-000123-7."""
    return f"{number[:6]}-{number[6:12]}-{number[12:18]}-{number[18:]}"


def check_digit(digits: str) -> str:
    """ISO 7064 MOD 11,10: catches every single wrong digit and nearly every swap of neighbours."""
    return str((11 - _product(digits, 10)) % 10)


def _product(digits: str, product: int) -> int:
    for digit in digits:
        total = (product + ord(digit) - 48) % 10 or 10
        product = total * 2 % 11
    return product


# Short codes: what stands for a person, a unit or an offer where people write and read it aloud


# Without 0, 1, I, L, O, U: nothing is taken for something else, and no rude word comes out. 30 is a prime less one, as
# the check character needs.
SHORT_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
SHORT_LENGTH = 8


def new_short_code(pick: Callable[[str], str] = secrets.choice) -> str:
    """A code of eight characters that nobody can guess: one of 21,870,000,000. Whether it is taken, the table knows.

    pick: chooses one character of several; a seeded one makes the same codes again.
    """
    body = "".join(pick(SHORT_LETTERS) for _ in range(SHORT_LENGTH - 1))
    return body + short_check(body)


def short_check(body: str) -> str:
    """ISO 7064 hybrid, MOD 31,30: catches every single wrong character and nearly every swap of neighbours."""
    size = len(SHORT_LETTERS)
    product = size
    for letter in body:
        total = (product + SHORT_LETTERS.index(letter)) % size or size
        product = total * 2 % (size + 1)
    return SHORT_LETTERS[(size + 1 - product) % size]


def parse_short_code(text: str) -> str:
    """A short code as people type it: small letters, spaces and dashes are fine. Raises BadNumber."""
    code = plain_digits(text).upper()
    if not code:
        raise BadNumber("请填写编号")
    if len(code) != SHORT_LENGTH:
        raise BadNumber(f"编号应为{SHORT_LENGTH}位，现在是{len(code)}位，请核对")
    strange = [letter for letter in code if letter not in SHORT_LETTERS]
    if strange:
        raise BadNumber(f"编号里没有“{strange[0]}”这个字，请核对")
    if short_check(code[:-1]) != code[-1]:
        raise BadNumber("编号有一位不对（校验不符），请逐位核对")
    return code


# Phones

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
# 010 and 02x have three digits, all other area codes four; numbers behind them do not begin with 0, 1 or 9.
_LANDLINE = re.compile(r"(010|02[0-9]|0[3-9][0-9]{2})([2-8][0-9]{6,7})")


def normal_phone(text: str) -> str:
    """A phone in its one form: 13812341234 for mobiles, 0412-3222222 for landlines.

    Takes +86, 0086, spaces, dashes, brackets and full-width digits.
    """
    digits = plain_digits(text)
    if digits.startswith("+") and not digits.startswith("+86"):
        raise BadPhone("目前只支持中国大陆的电话号码")
    digits, abroad = _without_country(digits)
    if _MOBILE.fullmatch(digits):
        return digits
    if abroad and not digits.startswith("0"):
        digits = "0" + digits  # the area code loses its 0 behind +86
    if found := _LANDLINE.fullmatch(digits):
        return f"{found[1]}-{found[2]}"
    raise _phone_fault(digits)


def _without_country(digits: str) -> tuple[str, bool]:
    for prefix in ("+86", "0086"):
        if digits.startswith(prefix):
            return digits[len(prefix) :], True
    if len(digits) == 13 and digits.startswith("86"):
        return digits[2:], True
    return digits, False


def _phone_fault(digits: str) -> BadPhone:
    if not digits:
        return BadPhone("请填写电话号码")
    if not digits.isdecimal() or not digits.isascii():
        return BadPhone("电话号码只能是数字，分机号请写在说明里")
    if digits[0] == "1" and len(digits) != 11:
        return BadPhone("手机号码应为11位，现在是%(n)d位", n=len(digits))
    if digits[0] not in "01" and len(digits) in (7, 8):
        return BadPhone("固定电话请加区号，例如 0412-3222222")
    return BadPhone("电话号码不对，请填写11位手机号码，或带区号的固定电话，例如 0412-3222222")


def phone_tail(phone: str) -> str:
    """The last four digits, by which a resident proves to be the one who filed."""
    return plain_digits(phone)[-4:]


# Resident ids

_ID_SHAPE = re.compile(r"[1-9][0-9]{16}[0-9X]")
_ID_WEIGHTS = tuple(2**power % 11 for power in range(17, 0, -1))


def birth_of(identity: str) -> date:
    """The day of birth that a resident id (as `parse_resident_id` gives it) holds."""
    return date(int(identity[6:10]), int(identity[10:12]), int(identity[12:14]))


def is_male(identity: str) -> bool:
    """The seventeenth digit is odd for men."""
    return int(identity[16]) % 2 == 1


def parse_resident_id(text: str) -> str:
    """A resident identity number (GB 11643) of 18 characters, its check character as a capital X."""
    number = plain_digits(text).upper()
    if len(number) != 18:
        raise BadResidentId(f"身份证号码应为18位，现在是{len(number)}位")
    if not _ID_SHAPE.fullmatch(number):
        raise BadResidentId("身份证号码只能是数字，最后一位可以是X")
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise BadResidentId("身份证号码中的出生日期不存在") from None
    if number[17] != _id_check(number):
        raise BadResidentId("身份证号码有一位不对，请核对")
    return number


def _id_check(number: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return "10X98765432"[total % 11]
