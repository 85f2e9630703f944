"""Every sentence the product can say: what its templates and its Python hand to translation, and where."""

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[2]
PRODUCT = ROOT / "bihuan"
# A call of one of these names, and how many of its arguments are sentences.
ONE = ("_", "gettext", "gettext_lazy", "_noop", "gettext_noop", "BadPhone")
CALLS = {**dict.fromkeys(ONE, 1), "ngettext": 2, "ngettext_lazy": 2}
NOT_ASCII = re.compile(r"[^\x00-\x7f]")

Sentence = str | tuple[str, str]  # a pair where one and many differ


def sentences() -> dict[Sentence, str]:
    """Each sentence that English must have, with one place where it stands. Plain ASCII needs no English."""
    found: dict[Sentence, str] = {}
    for path in sorted((*PRODUCT.rglob("*.html"), *PRODUCT.rglob("*.py"))):
        read = _of_template if path.suffix == ".html" else _of_python
        for line, sentence in read(path.read_text()):
            found.setdefault(sentence, f"{path.relative_to(ROOT)}:{line}")
    return {sentence: place for sentence, place in found.items() if NOT_ASCII.search(str(sentence))}


def _of_template(source: str) -> Iterator[tuple[int, Sentence]]:
    """Django turns a template into calls of gettext. Lines lose their indent, which would not be Python's."""
    code = "\n".join(line.strip() for line in templatize(source).splitlines())
    for line, sentence, _comments, _context in extract("python", io.BytesIO(code.encode()), keywords=KEYWORDS):
        yield line, sentence


KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def _of_python(source: str) -> Iterator[tuple[int, Sentence]]:
    """From the syntax tree, because a call inside an f-string counts too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            said = [_constant(argument) for argument in node.args[: CALLS[node.func.id]]]
            if said and None not in said:
                yield node.lineno, said[0] if len(said) == 1 else tuple(said)


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
