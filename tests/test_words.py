"""Tell-tale words in code, messages, templates and scripts. Documents are checked in test_docs.py."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
# Each has a plain word: any client, no one, again, compute, said, next to, after, close, forever, fix, is, many.
WORDS: Final = re.compile(
    r"\b(whoever|somebody|nobody|anew|reckon\w*|told|beside|behind the|let go of|for ever|mend(s|ed|ing)?|stands for"
    r"|lies (in|on)|so many)\b",
    re.IGNORECASE,
)
# A docstring starts with a verb. These start with a clause that has no head.
OPENERS: Final = re.compile(r"(Who|What|Whether|How) ")
_TEXT_SUFFIXES: Final = {".html", ".js", ".css", ".sh", ".ini", ".service", ".conf"}
# A call whose text arguments are read by people.
_SPOKEN: Final = {"debug", "info", "warning", "error", "exception", "critical", "echo", "say", "fail", "Finding"}


class Text(NamedTuple):
    """A piece of text for people, and its place."""

    place: str
    kind: str
    text: str


def texts_of_module(path: Path) -> Iterator[Text]:
    """Yields docstrings, comments and messages of a Python module."""
    source, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield Text(f"{name}:{getattr(node, 'lineno', 1)}", "docstring", text)
        elif isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Constant):
            if isinstance(node.value.value, str) and " " in node.value.value:
                yield Text(f"{name}:{node.lineno}", "text", node.value.value)
        elif isinstance(node, ast.Raise | ast.Call) and (call := _spoken(node)) is not None:
            for constant in ast.walk(call):
                if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                    yield Text(f"{name}:{constant.lineno}", "message", constant.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(f"{name}:{token.start[0]}", "comment", token.string.lstrip("# "))


def _spoken(node: ast.AST) -> ast.Call | None:
    """Returns the call whose text is a message: a raised error, a log call, or a setting's description."""
    if isinstance(node, ast.Raise):
        return node.exc if isinstance(node.exc, ast.Call) else None
    assert isinstance(node, ast.Call)
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    described = any(keyword.arg in ("description", "help") for keyword in node.keywords)
    return node if name in _SPOKEN or described else None


def faults(text: Text) -> Iterator[str]:
    """Yields one line for each tell-tale word."""
    if text.kind == "docstring" and (opener := OPENERS.match(text.text)):
        yield f"{text.place}: a docstring opens with '{opener[1]}'"
    for found in WORDS.finditer(text.text):
        yield f"{text.place}: a {text.kind} says '{found[0]}'"


def found_below(folder: str) -> list[str]:
    """Returns the faults of the texts in one folder or file."""
    top = ROOT / folder
    paths = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file())
    found: list[str] = []
    for path in paths:
        if path.suffix == ".py":
            texts = list(texts_of_module(path))
        elif path.suffix in _TEXT_SUFFIXES:
            lines = path.read_text(encoding="utf-8").splitlines()
            texts = [Text(f"{path.relative_to(ROOT)}:{n}", "line", line) for n, line in enumerate(lines, 1)]
        else:
            continue
        found += [fault for text in texts for fault in faults(text)]
    return found


def places() -> list[str]:
    """Returns every folder of the package, of the tests and of the tools, and every script."""
    folders = [path for top in ("slurm_rest_api", "tests", "benchmarks") for path in (ROOT / top).iterdir()]
    scripts = [*ROOT.glob("*.sh"), *(ROOT / "requirements").glob("*.sh"), ROOT / "docs" / "conf.py"]
    kept = [path for path in (*folders, *scripts) if path.name not in ("__pycache__", "test_words.py", "test_docs.py")]
    return sorted(str(path.relative_to(ROOT)) for path in kept)


def test_texts_have_no_tell_tale_words() -> None:
    assert [fault for place in places() for fault in found_below(place)] == []


def test_words_are_found() -> None:
    spoken = ast.parse("raise ValueError('nobody knows')").body[0]
    assert isinstance(spoken, ast.Raise)
    assert _spoken(spoken) is not None
    text = Text("here:1", "docstring", "What Nobody told.")
    assert list(faults(text)) == [
        "here:1: a docstring opens with 'What'",
        "here:1: a docstring says 'Nobody'",
        "here:1: a docstring says 'told'",
    ]
