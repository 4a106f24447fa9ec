"""Modules of the pages are joined into one shared file and one file for each entry."""

from __future__ import annotations

import re

import pytest

from slurm_rest_api.pages.assets import STATIC, page_files
from slurm_rest_api.pages.bundles import bundles

SOURCES = {
    "one.js": 'import { a as first } from "./base.js";\nimport { own } from "./only-one.js";\nfirst(own);\n',
    "two.js": 'import {\n  a,\n  b,\n} from "./base.js";\nconst more = () => import("./later.js");\n',
    "later.js": 'import { b } from "./base.js";\n\nexport async function later() {\n  return b;\n}\n',
    "base.js": 'import { deep } from "./deep.js";\n\nexport const a = deep;\nexport class b {}\nconst hidden = 1;\n',
    "deep.js": "export function deep() {}\n",
    "only-one.js": "export const own = 1;\n",
    "unused.js": "export const unused = 1;\n",
}


def test_a_module_of_two_entries_is_in_the_shared_file_after_its_own_imports() -> None:
    shared = bundles(SOURCES, ["one.js", "two.js"])["shared.js"]
    assert shared == (
        "export const deep$ = (() => {\nfunction deep() {}\nreturn { deep };\n})();\n"
        "export const base$ = (() => {\nconst { deep } = deep$;\n\nconst a = deep;\nclass b {}\nconst hidden = 1;\n"
        "return { a, b };\n})();\n"
    )


def test_an_entry_has_its_own_modules_and_imports_the_shared_ones() -> None:
    files = bundles(SOURCES, ["one.js", "two.js"])
    assert sorted(files) == ["later.js", "one.js", "shared.js", "two.js"]
    assert files["one.js"] == (
        'import { base$ } from "./shared.js";\n'
        "const only_one$ = (() => {\nconst own = 1;\nreturn { own };\n})();\n"
        "const { a: first } = base$;\nconst { own } = only_one$;\nfirst(own);\n"
    )


def test_a_module_that_is_loaded_on_demand_keeps_its_exports() -> None:
    later = bundles(SOURCES, ["one.js", "two.js"])["later.js"]
    assert later.startswith('import { base$ } from "./shared.js";\nconst { b } = base$;\n')
    assert "\nexport async function later() {\n" in later


def test_an_entry_that_another_one_imports_is_in_the_shared_file_once() -> None:
    sources = SOURCES | {"three.js": 'import { later } from "./later.js";\nlater();\n'}
    files = bundles(sources, ["one.js", "two.js", "three.js"])
    assert files["shared.js"].count("async function later()") == 1
    assert files["later.js"] == 'import { later$ } from "./shared.js";\nexport const later = later$.later;\n'


@pytest.mark.parametrize(
    "line",
    [
        'import * as base from "./base.js";',
        'import "./base.js";',
        'import base from "./base.js";',
        'export { a } from "./base.js";',
        'import base from "./base.js"; // (the whole)',
        'import { a } from "../base.js";',
        'import { a } from "base";',
        "export default 1;",
        "export default function later() {}",
        "export let a = 1;",
        "export let a = first();",
        "export function* all() {}",
        "export const { a, b } = both();",
        "export * from './base.js';",
        "const here = import.meta.resolve('x');",
        "const later = (name) => import(name);",
        'const later = () => import("./base.js?x");',
        "const a = await first();",
        "await first();",
    ],
)
def test_another_form_of_import_or_export_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="cannot be joined"):
        bundles({"page.js": f"{line}\n", "base.js": "export const a = 1;\n"}, ["page.js"])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('import { a, c as d } from "./base.js";', "does not export: c"),
        ('import { a } from "./nosuch.js";', "does not export: a"),
        ('const later = () => import("./nosuch.js");', "does not exist"),
    ],
)
def test_an_import_of_what_is_not_there_is_an_error(line: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        bundles({"page.js": f"{line}\n", "base.js": "export const a = 1;\n"}, ["page.js"])


def test_modules_that_import_each_other_are_an_error() -> None:
    sources = {
        "a.js": 'import { b } from "./b.js";\nexport const a = b;\n',
        "b.js": 'import { a } from "./a.js";\nexport const b = a;\n',
    }
    with pytest.raises(ValueError, match=r"a\.js -> b\.js -> a\.js"):
        bundles(sources, ["a.js"])


def test_every_module_of_the_pages_is_in_one_file_only() -> None:
    files = {name: file.body.decode() for name, file in page_files().items() if name.endswith(".js")}
    joined = re.findall(r"^(?:export )?const (\w+\$) = \(\(\) => \{$", "".join(files.values()), re.MULTILINE)
    modules = {module.name: module.stem.replace("-", "_") + "$" for module in STATIC.glob("*.js")}
    assert len(joined) == len(set(joined))
    assert {name for name, variable in modules.items() if variable not in joined} <= set(files)


def test_the_files_of_the_pages_import_nothing_but_the_shared_one() -> None:
    bodies = [file.body.decode() for name, file in page_files().items() if name.endswith(".js")]
    imported = re.findall(r"^import .* from (.*)$", "".join(bodies), re.MULTILINE)
    assert set(imported) == {'"./shared.js";'}
