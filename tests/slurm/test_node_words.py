"""The words of sinfo for nodes. Each row names its source: a manual page, or Slurm's C code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurm.node_words import NODE_FILTERS, node_filter_words, node_state_word
from slurm_rest_api.slurm.states import full_names, parse_node_state

# What libslurmfull of Slurm 26.05.5 returns: node_state_string() by node_state_string_complete().
NODE_WORDS: dict[str, str] = json.loads((Path(__file__).parent / "node_words.json").read_text())


@given(st.text())
def test_any_text_has_a_word(text: str) -> None:
    assert node_state_word(parse_node_state(text))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        # node_state_string() of slurm_protocol_defs.c.
        ("IDLE", "IDLE"),
        ("IDLE~", "IDLE~"),
        ("DOWN*", "DOWN*"),
        ("IDLE+DRAIN", "DRAINED"),
        ("DOWN+DRAIN", "DRAINED"),
        ("MIXED+DRAIN", "DRAINING"),
        ("ALLOCATED+DRAIN+NOT_RESPONDING", "DRAINING*"),
        ("IDLE+DRAIN+COMPLETING", "DRAINING"),
        ("DRAINING", "DRAINING"),
        # Inputs of classic dictionaries.
        ("ALLOCATED$", "ALLOCATED$"),
        ("ALLOCATED+MAINTENANCE+RESERVED", "ALLOCATED$"),
        ("MIXED-", "MIXED-"),
    ],
)
def test_a_node_has_one_word(text: str, word: str) -> None:
    assert node_state_word(parse_node_state(text)) == word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("IDLE+FAIL", "FAIL"),
        ("IDLE+MAINTENANCE", "MAINT"),
        ("IDLE+RESERVED", "RESERVED"),
        ("IDLE+NOT_RESPONDING", "IDLE*"),
        ("IDLE+POWERED_DOWN", "IDLE~"),
        ("MIXED+FAIL", "FAILING"),
    ],
)
def test_nodes_that_sinfo_does_not_call_idle_or_mixed(text: str, word: str) -> None:
    assert node_state_word(parse_node_state(text)) == word


def test_the_words_are_those_of_slurms_own_library() -> None:
    assert {text: node_state_word(parse_node_state(text)) for text in NODE_WORDS} == NODE_WORDS


def test_the_word_of_a_node_is_a_filter_that_finds_it() -> None:
    for text, word in NODE_WORDS.items():
        found_by = node_filter_words(parse_node_state(text))
        assert set(full_names(word, NODE_FILTERS).split("+")) <= set(found_by), text
        assert set(full_names(word.lower(), NODE_FILTERS).split("+")) <= set(found_by), text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("IDLE", ["IDLE", "AVAILABLE"]),
        ("MIXED+FAIL", ["MIXED", "FAIL", "FAILING"]),
        ("IDLE+FAIL", ["IDLE", "FAIL"]),
        ("IDLE*+DRAIN", ["IDLE", "DRAIN", "NOT_RESPONDING", "DRAINED"]),
        ("MIXED+PLANNED", ["MIXED", "PLANNED", "AVAILABLE"]),
    ],
)
def test_a_node_is_found_by_its_words(text: str, words: list[str]) -> None:
    assert list(node_filter_words(parse_node_state(text))) == words
    assert set(words) <= set(NODE_FILTERS)
