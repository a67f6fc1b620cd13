"""The single changes that can be made in the product's code: in Python by its syntax tree, in the text of SQL by patterns.

What would change the speed alone is left out (see SPEED_ALONE and MEASURES; an index that is not unique), and so is another
case in a pattern that has no letters: no result can tell such a change.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Change:
    """One change: what stands at `start` to `end` of the file becomes `new`; the statement has the lines `first` to `last`.

    `is_called` is False for what is executed at import alone: a constant, a declaration.
    """

    path: str
    kind: Literal["sql", "python"]
    line: int
    start: int
    end: int
    new: str
    first: int
    last: int
    is_called: bool

    def made_in(self, text: str) -> str:
        return text[: self.start] + self.new + text[self.end :]


def changes(root: Path, folder: str = "nexus_assets") -> list[Change]:
    """Every change of the product under the folder, in the order of files and places."""
    found: list[Change] = []
    for file in sorted(path for path in (root / folder).rglob("*") if path.suffix in (".py", ".sql")):
        text = file.read_text("utf-8")
        source = _Source(str(file.relative_to(root)), text)
        found += source.python_changes() if file.suffix == ".py" else source.sql_changes_of_a_file()
    return found


OPERATORS = {
    "==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "is not": "is", "is": "is not",
    "not in": "in", "in": "not in", "and": "or", "or": "and", "+": "-", "-": "+", "*": "+", "//": "*", "%": "+",
}  # fmt: skip
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
NO_CONTEXT = '__import__("contextlib").nullcontext()'

SPEED_ALONE = re.compile(r'time\.sleep\(|[\w.]*execute\((SQL\()?"ANALYZE |without_nested_loops\(')
"""Statements and contexts that say how fast something is found or how often one looks: without them results are the same."""
MEASURES = re.compile(r"SECONDS|_MS$|_BYTES|BLOCK|timeout|buffering")
"""Names of durations and of sizes of buffers: one second or byte more is as good as the number."""

PREDICATE = r"(?:NOT )?[\w.{{}}:]+ (?:=|<>|<|>|<=|>=|IS NULL|IS NOT NULL|~)(?: [\w.{{}}:']+)?"
SQL_PATTERNS: tuple[tuple[str, str], ...] = (
    (r"(?<=[\w}}')]) = (?=[\w{{'(])", " <> "),
    (r" <> ", " = "),
    (r" < (?=[\w{{(])", " <= "),
    (r" > (?=[\w{{(])", " >= "),
    (r" <= ", " < "),
    (r" >= ", " > "),
    (r"\bmin\(", "max("),
    (r"\bmax\(", "min("),
    (r"(?<!BETWEEN )\bAND\b", "OR"),
    (r"\bOR\b(?! REPLACE)", "AND"),
    (r"(?<!IF )(?<!IS )\bNOT (?!NULL\b|VALID|MATERIALIZED|DISTINCT)", ""),
    (r"\bIS NULL\b", "IS NOT NULL"),
    (r"\bIS NOT NULL\b", "IS NULL"),
    (r"\bIS DISTINCT FROM\b", "IS NOT DISTINCT FROM"),
    (r"\bIS NOT DISTINCT FROM\b", "IS DISTINCT FROM"),
    (r"\bORDER BY ([\w.]+)(?=[,)\s\"])(?! DESC)", r"ORDER BY \1 DESC"),
    (r" DESC\b", ""),
    (r"\bLIMIT 1\b", "LIMIT 1 OFFSET 1"),
    (r" FOR KEY SHARE(?: OF \w+)?", ""),
    (r"\bSHARE ROW EXCLUSIVE\b", "ACCESS SHARE"),
    (r"\bcoalesce\((?!\{\}, \{\}\))([^(),]+), ([^(),]+)\)", r"coalesce(\2, \1)"),
    (r"\bLEFT JOIN\b", "JOIN"),
    (r"\bUNION ALL\b", "UNION"),
    (r"\bDISTINCT (?!ON|FROM)", ""),
    (r"\bILIKE\b(?! '[^A-Za-z']*')", "LIKE"),
    (r"\bLIKE\b(?! '[^A-Za-z']*')", "ILIKE"),
    (rf" AND {PREDICATE}(?=\s|\)|\")", ""),
)
IS_SQL = re.compile(
    r"\b(SELECT|UPDATE|INSERT INTO|DELETE FROM|WHERE|EXISTS|CASE|LOCK TABLE|FOR KEY SHARE|IS (NOT )?NULL|AND|NOT|OR|coalesce\()"
    r"|[\w}] (=|<>) [\w{]"
)


class _Source:
    def __init__(self, path: str, text: str) -> None:
        self._path, self._text = path, text
        self._lines = [0]
        for line in text.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    # --- Python -------------------------------------------------------------------------------------------------------

    def python_changes(self) -> list[Change]:
        tree = ast.parse(self._text)
        found = list(self._of_body(tree.body, is_called=False))
        unique = {(each.start, each.end, each.new): each for each in found}
        return sorted(unique.values(), key=lambda each: (each.start, each.end, each.new))

    def _of_body(self, body: list[ast.stmt], *, is_called: bool) -> Iterator[Change]:
        for statement in body:
            yield from self._of_statement(statement, is_called=is_called)

    def _of_statement(self, statement: ast.stmt, *, is_called: bool) -> Iterator[Change]:
        if isinstance(statement, (ast.Import, ast.ImportFrom)) or _is_for_types_alone(statement):
            return
        if _is_call(statement) and self._is_speed(statement):
            return
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield from self._of_body(statement.body, is_called=not isinstance(statement, ast.ClassDef))
            return
        parts = [child for name in ("body", "orelse", "finalbody") for child in getattr(statement, name, ())]
        first, last = statement.lineno, parts[0].lineno - 1 if parts else (statement.end_lineno or statement.lineno)
        span = (first, max(first, last), is_called)
        for handler in getattr(statement, "handlers", ()):
            yield from self._of_body(handler.body, is_called=is_called)
        for case in getattr(statement, "cases", ()):
            yield from self._of_body(case.body, is_called=is_called)
        for name in ("body", "orelse", "finalbody"):
            yield from self._of_body(getattr(statement, name, []), is_called=is_called)
        if is_called and (isinstance(statement, (ast.Raise, ast.Continue)) or _is_call(statement)):
            yield self._change("python", *self._place(statement), "pass", span)
        if is_called and isinstance(statement, ast.If) and not statement.orelse and _ends_early(statement.body):
            yield self._change("python", *self._place(statement.test), "False", span)
        for item in getattr(statement, "items", ()):
            if item.optional_vars is None and not self._is_speed(item.context_expr):
                yield self._change("python", *self._place(item.context_expr), NO_CONTEXT, span)
        yield from self._of_expressions(statement, span)

    def _of_expressions(self, statement: ast.stmt, span: tuple[int, int, bool]) -> Iterator[Change]:
        nested = {id(child) for name in ("body", "orelse", "finalbody", "handlers", "cases")
                  for child in getattr(statement, name, ())}  # fmt: skip
        todo: list[ast.AST] = [statement]
        while todo:
            node = todo.pop()
            skipped = {id(getattr(node, "annotation", None)), id(getattr(node, "returns", None))}
            if not _is_measure(node):
                todo += [child for child in ast.iter_child_nodes(node) if id(child) not in nested | skipped]
            yield from self._of_node(node, span, is_docstring=_is_docstring(statement))

    def _of_node(self, node: ast.AST, span: tuple[int, int, bool], *, is_docstring: bool) -> Iterator[Change]:
        if isinstance(node, ast.Compare):
            for left, right in itertools.pairwise([node.left, *node.comparators]):
                yield from self._operator(left, right, span)
        elif isinstance(node, ast.BoolOp):
            for left, right in itertools.pairwise(node.values):
                yield from self._operator(left, right, span)
        elif isinstance(node, ast.BinOp) and not _is_text(node.left) and not _is_text(node.right):
            yield from self._operator(node.left, node.right, span)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            start, _ = self._place(node)
            yield self._change("python", start, start + len("not "), "", span)
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield self._change("python", *self._place(node), str(not node.value), span)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            yield self._change("python", *self._place(node), str(node.value + 1), span)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            yield self._change("python", *self._place(node.func), FUNCTIONS[node.func.id], span)
        elif (
            not is_docstring and isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_sql(node.value)
        ):
            yield from self._sql_changes(*self._place(node), span)

    def _operator(self, left: ast.AST, right: ast.AST, span: tuple[int, int, bool]) -> Iterator[Change]:
        (_, start), (end, _) = self._place(left), self._place(right)
        match = re.search(
            r"is not|not in|\bis\b|\bin\b|\band\b|\bor\b|[=!<>]=|//|\*\*|<<|>>|[<>*%+-]", self._text[start:end]
        )
        if match and match[0] in OPERATORS:
            yield self._change("python", start + match.start(), start + match.end(), OPERATORS[match[0]], span)

    def _is_speed(self, node: ast.AST) -> bool:
        return SPEED_ALONE.match(self._text, self._place(node)[0]) is not None

    # --- SQL ----------------------------------------------------------------------------------------------------------

    def sql_changes_of_a_file(self) -> list[Change]:
        whole = (1, self._text.count("\n"), False)
        return sorted(self._sql_changes(0, len(self._text), whole), key=lambda each: (each.start, each.new))

    def _sql_changes(self, start: int, end: int, span: tuple[int, int, bool]) -> Iterator[Change]:
        text = re.sub(
            r"--[^\n]*|(?:COMMENT ON|CREATE INDEX) [^;]*;", lambda found: " " * len(found[0]), self._text[start:end]
        )
        for pattern, new in SQL_PATTERNS:
            for match in re.finditer(pattern, text):
                if pattern.startswith("(?<=[") and _assigns(text[: match.start()]):
                    continue
                if match[0] == "AND" and re.search(r"BETWEEN \S+ $", text[: match.start()]):
                    continue
                yield self._change("sql", start + match.start(), start + match.end(), match.expand(new), span)

    # --- places -------------------------------------------------------------------------------------------------------

    def _change(
        self, kind: Literal["sql", "python"], start: int, end: int, new: str, span: tuple[int, int, bool]
    ) -> Change:
        return Change(self._path, kind, self._text.count("\n", 0, start) + 1, start, end, new, *span)

    def _place(self, node: ast.AST) -> tuple[int, int]:
        return (
            self._offset(node.lineno, node.col_offset),  # type: ignore[attr-defined]
            self._offset(node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]
        )

    def _offset(self, line: int, column: int) -> int:
        """The place in the text of a place in the tree, whose columns count bytes."""
        start = self._lines[line - 1]
        return start + len(self._text[start : self._lines[line]].encode()[:column].decode())


def _is_for_types_alone(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.If) and isinstance(statement.test, ast.Name) and statement.test.id == "TYPE_CHECKING"
    )


def _is_measure(node: ast.AST) -> bool:
    """Whether this is `timeout=...` or `..._SECONDS = ...`."""
    if isinstance(node, ast.keyword):
        return MEASURES.search(node.arg or "") is not None
    return isinstance(node, ast.Assign) and MEASURES.search(ast.unparse(node.targets[0])) is not None


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_call(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)


def _ends_early(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_sql(text: str) -> bool:
    """Whether a text is SQL and no sentence: sentences end in a full stop or hold several words in small letters in a row."""
    sentence = r"\.$|[a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,}|GRANT |REVOKE |ALTER ROLE"
    return IS_SQL.search(text) is not None and not re.search(sentence, text.strip())


def _assigns(before: str) -> bool:
    """Whether a `=` after this text is an assignment of an UPDATE or of SET LOCAL."""
    words = re.findall(r"\b(SET|WHERE|ON|AND|OR|WHEN|HAVING|SELECT|FROM|CASE)\b", before)
    return bool(words) and words[-1] == "SET"
