"""config.yml says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from slurm_rest_api.config import Settings, load_settings
from slurm_rest_api.config.document import config_yml, settings_table
from slurm_rest_api.config.models import SECTIONS

CONFIG_YML = Path(__file__).resolve().parents[2] / "config.yml"
WRITE_IT = (
    "config.yml differs from the models; write it anew: "
    "python -c 'from slurm_rest_api.config.document import config_yml; print(config_yml(), end=\"\")' > config.yml"
)


def uncommented() -> str:
    return re.sub(r"^#(?!#)", "", CONFIG_YML.read_text(), flags=re.MULTILINE)


def test_config_yml_is_the_one_that_the_models_make() -> None:
    assert CONFIG_YML.read_text() == config_yml(), WRITE_IT


def test_config_yml_as_it_is_changes_nothing() -> None:
    settings = load_settings(CONFIG_YML, {})
    assert (settings.system, settings.database, settings.filter) == (
        Settings().system,
        Settings().database,
        Settings().filter,
    )


def test_without_its_comment_signs_it_sets_every_setting_to_its_default(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    # Both ways to give the password are in the file; a default of null is none of them.
    file.write_text(uncommented())
    settings = load_settings(file, {})
    for section, model in SECTIONS.items():
        given = getattr(settings, section)
        assert given == model()
        assert given.model_fields_set == set(model.model_fields)


def test_settings_stand_in_the_order_of_the_models() -> None:
    names = re.findall(r"^#  (\w+): ", CONFIG_YML.read_text(), flags=re.MULTILINE)
    assert names == [name for model in SECTIONS.values() for name in model.model_fields]


def test_the_table_has_a_row_for_each_setting() -> None:
    assert settings_table("filter") == (
        "| setting | default | takes | meaning |\n"
        "|---|---|---|---|\n"
        '| `partitions` | `[]` | a list of texts such as ["a", "b"] | Partitions to hide, by name: they, their jobs and'
        " the nodes that belong to no other partition appear in no answer. |\n"
    )
    assert settings_table("system").count("\n") == 2 + len(SECTIONS["system"].model_fields)
