"""The colours of the pages differ enough from what is behind them, in both schemes (WCAG 2.1, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re

import pytest

from slurm_rest_api.pages.assets import STATIC

TEXT, GRAPHIC = 4.5, 3.0
CSS = (STATIC / "pages.css").read_text()
SERIES = tuple(f"series-{number}" for number in range(1, 7))
LIGHT, DARK, DARK_OF_SYSTEM = ":root", ':root[data-theme="dark"]', ':root:not([data-theme="light"])'


def palette(selector: str) -> dict[str, str]:
    """Returns the colours of one rule by their names: `{"ground": "#ffffff"}`."""
    found = re.search(rf"^ *{re.escape(selector)} {{([^}}]*--ground[^}}]*)}}", CSS, re.MULTILINE)
    assert found is not None, selector
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", found[1]))


def luminance(colour: str) -> float:
    """Returns the relative luminance of `#rrggbb`, 0 to 1, as WCAG 2.1 defines it."""
    shares = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Returns the contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_ratio_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    # The lightest grey on white that WCAG's own examples let pass.
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("selector", [LIGHT, DARK])
def test_texts_and_graphics_differ_from_what_is_behind_them(selector: str) -> None:
    colours = palette(selector)
    behind = [colours[name] for name in ("ground", "raised", "strip", "track")]
    for names, least in ((("text", "faint", "link", "good", "old", "bad", "focus"), TEXT), (SERIES, GRAPHIC)):
        for name in names:
            assert min(contrast(colours[name], other) for other in behind) >= least, name


def test_the_dark_theme_is_the_dark_scheme_of_the_system() -> None:
    assert palette(DARK) == palette(DARK_OF_SYSTEM)
    assert palette(DARK).keys() == palette(LIGHT).keys()


@pytest.mark.parametrize("selector", [LIGHT, DARK])
def test_parts_of_a_priority_differ_from_the_gap_between_them(selector: str) -> None:
    colours = palette(selector)
    # Neighbours need no contrast to each other, because the ground is between them.
    assert re.search(r"  \.factors {[^}]*\bgap: [1-9]", CSS)
    backgrounds = re.findall(r"  \.factor[.:\w(), ]* {\s*background: ([^;]+);", CSS)
    assert len(backgrounds) >= 9
    for background in backgrounds:
        first = re.search(r"var\(--([\w-]+)\)", background)
        assert first is not None, background
        assert contrast(colours[first[1]], colours["ground"]) >= GRAPHIC, background
