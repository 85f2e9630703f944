"""Reading a document: every error of shape says where, what was found and what is allowed; limits are picked in order."""

import pytest

from bihuan.lib.worktime import Duration
from bihuan.programs import document
from bihuan.programs.reading import BadDocument

PACK = document.PACKS / "standard" / "request.toml"
TEXT = document.read(PACK)


@pytest.fixture(scope="module")
def request_program() -> document.CaseProgram:
    return document.load_file(PACK)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('program = "request"', "program = 3", "x.toml 的 program：写的是整数 3，应为一个键"),
        ('kind = "case"', 'kind = "feast"', "x.toml 的 kind：写的是“feast”，应为case、ladder 之一"),
        ('title = "群众诉求办理"', "", "x.toml 的 title：写的是空（没有写），应为一段文字"),
        ('default = "2wh"', 'default = "2 hours"', "x.toml 的 limit.accept.default：写的是“2 hours”，应为时限"),
        ('default = "2wh"\n', "", "x.toml 的 limit.accept.default：写的是空（没有写），应为时限"),
        ('owner = "chief"', 'owner = ["chief"]', "x.toml 的 state.replied.owner：写的是数组 ['chief']，应为一个键"),
        ("final = true", 'final = "yes"', "x.toml 的 state.closed.final：写的是“yes”，应为true 或 false"),
        (
            'public = "正在办理"',
            'publik = "正在办理"',
            "x.toml 的 state.handling.publik：写的是不认识的键，应为下列键之一",
        ),
        ('from = ["filed"]', 'from = "filed"', "x.toml 的 move.accept.from：写的是“filed”，应为键的列表"),
        ('from = ["filed"]', 'from = ["filed", "filed"]', "应为键的列表，不重复"),
        ("at_most = 2", "at_most = 0", "x.toml 的 move.hand_back.at_most：写的是整数 0，应为1 以上的整数"),
        ("at_most = 2", "at_most = true", "x.toml 的 move.hand_back.at_most：写的是是否 True，应为1 以上的整数"),
        ('when = "found"', 'when = "sometimes"', "写的是“sometimes”，应为found、asked 之一"),
        ('within = "30d"', 'within = "0d"', "x.toml 的 move.redo.within：写的是“0d”，应为时限"),
        ("[clock.call_back]", "[clock.call_back_by_the_centre]", "写的是“call_back_by_the_centre”，应为16 个字符以内"),
        ("[state.filed]", "[state.Filed]", "x.toml 的 state.Filed：写的是“Filed”，应为12 个字符以内的小写字母"),
        ("[move.file]", "[[move.file]]", "x.toml 的 move.file：写的是数组"),
        ("编号{number}。安排", "编号{number。安排", "应为花括号成对的文字"),
        (
            '[en.program]\ntitle = "Residents\' requests"',
            "[en.programme]\na = 1",
            "x.toml 的 en.programme：写的是不认识的键",
        ),
        ('title = "咨询"', 'title = "咨询', "x.toml：写的是不合 TOML 格式的内容"),
    ],
)
def test_a_wrong_document_says_where_what_and_what_is_allowed(old: str, new: str, said: str) -> None:
    assert TEXT.count(old)
    with pytest.raises(BadDocument) as caught:
        document.load(TEXT.replace(old, new, 1), "x.toml")
    assert said in str(caught.value)


OPEN = '[open]\n"limit.handle.default" = "shorter"\n"move.hand_back.at_most" = "fewer"\n'
MIGRATE = '[migrate.2]\nstate.waiting = "accepted"\n'


def test_what_may_become_different_later_is_read() -> None:
    program = document.load(f"{TEXT}\n{OPEN}\n{MIGRATE}")
    assert program.opened == {"limit.handle.default": "shorter", "move.hand_back.at_most": "fewer"}
    assert program.migrate == {2: {"waiting": "accepted"}}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"shorter"', '"better"', "open.limit.handle.default：写的是“better”，应为shorter、longer、fewer、more"),
        ('"shorter"', '"more"', "open.limit.handle.default：写的是“more”，应为文件里已有的一个整数的位置"),
        (
            "limit.handle.default",
            "limit.handel.default",
            "open.limit.handel.default：写的是“shorter”，应为文件里已有的一个时限",
        ),
        ("[migrate.2]", "[migrate.two]", "migrate.two：写的是“two”，应为版本号，如 [migrate.2]"),
        ("state.waiting", "stage.waiting", "migrate.2.stage：写的是不认识的键，应为下列键之一：state"),
    ],
)
def test_what_cannot_become_different_is_refused(old: str, new: str, said: str) -> None:
    text = f"{TEXT}\n" + f"{OPEN}\n{MIGRATE}".replace(old, new, 1)
    with pytest.raises(BadDocument) as caught:
        document.load(text)
    assert said in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(BadDocument) as caught:
        document.load(TEXT.replace('"10wd"', '"soon"').replace("at_most = 2", "at_most = -1"), "x.toml")
    assert [problem.key for problem in caught.value.problems] == ["limit.handle.default", "move.hand_back.at_most"]


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content: bytes | None) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "broken.toml"
    if content:
        path.write_bytes(content)
    with pytest.raises(BadDocument, match=r"broken\.toml.*UTF-8"):
        document.load_file(path)


# category (for the urgency it names) > urgency > type > default
@pytest.mark.parametrize(
    ("type", "urgency", "category", "row", "limit"),
    [
        ("complaint", "normal", None, "default", "10wd"),
        ("complaint", "normal", "roads", "default", "10wd"),  # a category without rows
        ("inquiry", "normal", None, "type.inquiry", "5wd"),
        ("inquiry", "urgent", None, "urgency.urgent", "1wd"),  # urgency before type
        ("inquiry", "normal", "utilities", "category.utilities.normal", "24h"),  # category before type
        ("complaint", "urgent", "utilities", "category.utilities.urgent", "24h"),  # category before urgency
        ("complaint", "danger", "utilities", "urgency.danger", "2h"),  # the category is silent about danger
        ("complaint", "normal", ("heating", "utilities"), "category.utilities.normal", "24h"),  # from its parent
        ("complaint", "normal", (), "default", "10wd"),
    ],
)
def test_the_most_specific_limit_wins(request_program, type, urgency, category, row, limit) -> None:  # type: ignore[no-untyped-def]
    found = request_program.limit_row("handle", type=type, urgency=urgency, category=category)
    assert found == (row, Duration.parse(limit))
    assert request_program.limit("handle", type=type, urgency=urgency, category=category) == Duration.parse(limit)
    assert request_program.clock_limit("handle", type=type, urgency=urgency, category=category) == Duration.parse(limit)


def test_the_nearest_category_wins() -> None:
    rows = {"heating": {"normal": Duration.parse("12h")}, "utilities": {"normal": Duration.parse("24h")}}
    limit = document.Limit("handle", Duration.parse("10wd"), category=rows)
    assert limit.pick(type="help", urgency="normal", categories=("heating", "utilities"))[1] == Duration.parse("12h")


def test_a_move_is_found_by_verb_state_outcome_and_finder(request_program) -> None:  # type: ignore[no-untyped-def]
    move = request_program.move
    assert move("approve", "replied", "pass").to == "calling_back"
    assert move("approve", "replied", "pass", found=True).to == "verifying"
    assert move("approve", "replied") is None  # it has several outcomes
    assert move("file", None).to == "filed"
    assert move("file", "filed") is None
    assert move("sign", "handling") is None


def test_a_page_learns_which_moves_a_post_has(request_program) -> None:  # type: ignore[no-untyped-def]
    keys = [move.key for move in request_program.moves_from("calling_back", by="resident")]
    assert keys == ["confirm", "deny", "withdraw"]


def test_words_come_in_both_languages(request_program) -> None:  # type: ignore[no-untyped-def]
    label = request_program.label
    assert (label("state", "signed"), label("state", "signed", "en")) == ("待联系", "To be contacted")
    assert label("public", "replied", "en") == "The result is being approved"
    assert label("reason", "hand_back.not_ours") == "不属于本单位职责"
    assert label("program", "title", "en") == "Residents' requests"
    said = request_program.say("urged", {"number": "210381", "link": "/r/1"})
    assert said == "您的着急我们知道了，已经催办（210381）。查看进展：/r/1"
