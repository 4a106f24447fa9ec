"""config.yml and the settings tables follow the models."""

from __future__ import annotations

import re
from pathlib import Path

from slurm_rest_api.config import Settings, load_settings
from slurm_rest_api.config.document import config_yml, settings_table
from slurm_rest_api.config.models import SECTIONS

CONFIG_YML = Path(__file__).resolve().parents[2] / "config.yml"
WRITE_IT = (
    "config.yml differs from the models. Write it again: "
    "python -c 'from slurm_rest_api.config.document import config_yml; print(config_yml(), end=\"\")' > config.yml"
)


def uncommented() -> str:
    return re.sub(r"^#(?!#)", "", CONFIG_YML.read_text(), flags=re.MULTILINE)


def test_config_yml_is_generated_from_the_models() -> None:
    assert CONFIG_YML.read_text() == config_yml(), WRITE_IT


def test_config_yml_sets_nothing() -> None:
    settings = load_settings(CONFIG_YML, {})
    assert (settings.system, settings.database, settings.filter) == (
        Settings().system,
        Settings().database,
        Settings().filter,
    )


def test_uncommented_config_yml_sets_every_default(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    # The file has db_pass and db_pass_file. A null is not a second password.
    file.write_text(uncommented())
    settings = load_settings(file, {})
    for section, model in SECTIONS.items():
        given = getattr(settings, section)
        assert given == model()
        assert given.model_fields_set == set(model.model_fields)


def test_settings_are_in_the_order_of_the_models() -> None:
    names = re.findall(r"^#  (\w+): ", CONFIG_YML.read_text(), flags=re.MULTILINE)
    assert names == [name for model in SECTIONS.values() for name in model.model_fields]


def test_the_table_has_one_row_per_setting() -> None:
    assert settings_table("filter") == (
        "| setting | default | takes | meaning |\n"
        "|---|---|---|---|\n"
        '| `partitions` | `[]` | a list of texts such as ["a", "b"] | Names of partitions to hide, with their jobs and'
        " the nodes that belong to no other partition. |\n"
    )
    assert settings_table("system").count("\n") == 2 + len(SECTIONS["system"].model_fields)
