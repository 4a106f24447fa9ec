"""Joins the JavaScript modules of the pages, so that a page loads two scripts instead of fifteen.

Each script that a page names, or that a module loads with `import()`, is an entry. Modules that more than one entry
imports are in one shared file, which the browser loads once for all pages. The others are in the file of their entry.

A joined module is a function that returns its exports, so its names stay its own. Modules of the shared file run on
every page: except for the frame, they have no effect until one of their functions is called.

This reads imports and exports as Biome formats them: `import { a, b as c } from "./x.js";` and `export` before a
declaration, both at the start of a line. It refuses all others, `import()` of anything but a module's name, `await`
outside a function, `import.meta` except for its `url` (the joined files have the same folder), and names that the
other module does not export.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

SHARED: Final = "shared.js"
"""The file with the modules that more than one entry imports."""

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_ON_DEMAND: Final = re.compile(r'import(?<!\wimport)\("\./([\w-]+\.js)"\)')
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
# Forms that this module does not read, in a text without those that it reads. A pattern that begins with one fixed word
# or with one `^` is searched several times as fast as one of alternatives.
_OTHERS: Final = (
    re.compile(
        r"^(?:import\b(?!\().*|export\b.*|(?:(?:const|let) [^=]*= |for |if \()?await\b.*)$",
        re.MULTILINE,
    ),
    re.compile(r"import(?<!\wimport)(?:\.meta\b(?!\.url\b)|\((?!\"\./[\w-]+\.js\"\))).*"),
)

Imports = Mapping[str, list[tuple[str, str]]]
"""What each module imports: the names between braces, and the other module."""


def bundles(sources: Mapping[str, str], scripts: Iterable[str]) -> dict[str, str]:
    """Returns the files that replace the modules: the shared one, and one for each entry, by name.

    `sources` has the text of each module by its name, `scripts` the names of the modules that pages name.

    Raises:
        ValueError: Modules import each other in a circle, import what is not there, or have a form of import or export
            that is not read.
    """
    imports = {name: _IMPORT.findall(text) for name, text in sources.items()}
    _check_imports(sources, imports)
    on_demand = {name for text in sources.values() for name in _ON_DEMAND.findall(text)}
    orders = {entry: _in_order(entry, imports) for entry in sorted({*scripts, *on_demand})}
    all_used = [name for order in orders.values() for name in order]
    shared = [name for name in dict.fromkeys(all_used) if all_used.count(name) > 1]
    files = {SHARED: "".join(f"export {_joined(name, sources[name])}" for name in shared)}
    for entry, order in orders.items():
        from_shared = {name for own in order if own not in shared for _, name in imports[own] if name in shared}
        if entry in shared:
            files[entry] = _reexport(entry, sources[entry])
        else:
            names = ", ".join(_variable(name) for name in sorted(from_shared))
            own = [_joined(name, sources[name]) for name in order if name not in shared and name != entry]
            head = f'import {{ {names} }} from "./{SHARED}";\n' if names else ""
            files[entry] = head + "".join(own) + _with_constants(entry, sources[entry])
    return files


def _check_imports(sources: Mapping[str, str], imports: Imports) -> None:
    """Checks that each module exports the names that others import: a missing one would be `undefined`."""
    exports = {name: set(_EXPORT.findall(text)) for name, text in sources.items()}
    for name, text in sources.items():
        for names, other in imports[name]:
            imported = {part.split(" as ")[0].strip() for part in names.split(",") if part.strip()}
            if missing := imported - exports.get(other, set()):
                raise ValueError(f"{name} imports what {other} does not export: {', '.join(sorted(missing))}.")
        for other in _ON_DEMAND.findall(text):
            if other not in sources:
                raise ValueError(f"{name} loads a module that does not exist: {other}.")


def _in_order(entry: str, imports: Imports) -> list[str]:
    """Returns the modules that `entry` imports, directly and indirectly, each after those that it imports."""
    found: list[str] = []

    def add(name: str, importers: tuple[str, ...]) -> None:
        if name in importers:
            raise ValueError(f"Modules import each other: {' -> '.join((*importers, name))}.")
        for _, other in imports[name]:
            if other not in found:
                add(other, (*importers, name))
        found.append(name)

    add(entry, ())
    return found


def _variable(name: str) -> str:
    """Returns the variable with the exports of a module. No module uses `$` in a name."""
    return name.removesuffix(".js").replace("-", "_") + "$"


def _with_constants(name: str, text: str) -> str:
    """Returns the text of a module whose imports are constants, from the variables of the other modules."""
    changed = _IMPORT.sub(lambda found: f"const {{{found[1].replace(' as ', ': ')}}} = {_variable(found[2])};\n", text)
    others = _EXPORT.sub("", changed)
    for pattern in _OTHERS:
        if (other := pattern.search(others)) is not None:
            raise ValueError(f"{name} has an import or export that cannot be joined: {other[0]}")
    return changed


def _joined(name: str, text: str) -> str:
    """Returns the declaration of a module's variable: a function with its text, which returns its exports."""
    body = _EXPORT.sub("", _with_constants(name, text))
    return f"const {_variable(name)} = (() => {{\n{body}return {{ {', '.join(_EXPORT.findall(text))} }};\n}})();\n"


def _reexport(name: str, text: str) -> str:
    """Returns the file of an entry that is in the shared file."""
    head = f'import {{ {_variable(name)} }} from "./{SHARED}";\n'
    return head + "".join(f"export const {export} = {_variable(name)}.{export};\n" for export in _EXPORT.findall(text))
