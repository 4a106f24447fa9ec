"""Reading YAML: line numbers, duplicate keys and syntax errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.config.yaml_file import read_yaml
from slurm_rest_api.errors import ConfigError


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "c.yml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_each_setting_has_its_line(tmp_path: Path) -> None:
    content = read_yaml(written(tmp_path, "# head\nsystem:\n  port: 1\n\n  host: a\nfilter: {partitions: [x]}\n"))
    assert content.data == {"system": {"port": 1, "host": "a"}, "filter": {"partitions": ["x"]}}
    assert content.lines == {
        ("system",): 2,
        ("system", "port"): 3,
        ("system", "host"): 5,
        ("filter",): 6,
        ("filter", "partitions"): 6,
    }
    assert content.duplicates == []


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("system:\n  port: 1\n host: a\n", "Line 3, column 2 is not valid YAML: "),
        ("system:\n\tport: 1\n", "Line 2, column 1 is not valid YAML: "),
        ("a: b: c\n", "Line 1, column 5 is not valid YAML: "),
        ("a: *b\n", "Line 1, column 4 is not valid YAML: a value that begins with * & ! or % must be in quotes."),
        ("a: !b c\n", "Line 1, column 4 is not valid YAML: a value that begins with * & ! or % must be in quotes."),
        (
            "a: 2026-13-45\n",
            "Line 1, column 4 is not valid YAML: this is not a valid date or number, put it in quotes if it is text.",
        ),
        ("a: 1\n---\nb: 2\n", "Line 2, column 1 is not valid YAML: "),
        ("a: {[]: 1}\n", "Line 1, column 5 is not valid YAML: "),
        (b"a: \xff\xff\n", "The file is not UTF-8 text, or has control characters."),
        (b"a: \x07\n", "The file is not UTF-8 text, or has control characters."),
        ("a: " + 1000 * "[", "Its lists or mappings are nested too deeply."),
        ("a: " + 1000 * "{b: ", "Its lists or mappings are nested too deeply."),
    ],
)
def test_a_syntax_error_has_line_and_column(tmp_path: Path, text: str | bytes, start: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml(written(tmp_path, text))
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(start)


def test_nothing_in_the_file_is_executed(tmp_path: Path) -> None:
    made = tmp_path / "made"
    with pytest.raises(ConfigError):
        read_yaml(written(tmp_path, f"a: !!python/object/apply:os.mkdir [{made}]\n"))
    assert not made.exists()


def test_a_folder_instead_of_a_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="The file cannot be read: Is a directory"):
        read_yaml(tmp_path)
