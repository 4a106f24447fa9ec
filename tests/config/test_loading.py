"""Finding the configuration file, and the faults of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.config import Settings, load_settings
from slurm_rest_api.errors import ConfigError

SECRET = "hunter2-Zq"


def load(folder: Path, text: str, **environ: str) -> Settings:
    file = folder / "config.yml"
    file.write_text(text)
    return load_settings(file, environ)


def faults_of(folder: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **environ)
    assert str(caught.value).startswith(f"The configuration in {folder / 'config.yml'} cannot be used:")
    return caught.value.faults


def write_port(file: Path, port: int) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"system:\n  port: {port}\n")
    return file


def test_files_are_searched_in_the_documented_order(tmp_path: Path) -> None:
    etc = write_port(tmp_path / "etc" / "config.yml", 4)
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    assert load_settings(None, {}, cwd, etc).system.port == 4
    here = write_port(cwd / "config.yml", 3)
    assert load_settings(None, {}, cwd, etc).system.port == 3
    named = write_port(tmp_path / "named.yml", 2)
    environ = {"SLURM_REST_API_CONFIG": str(named)}
    assert load_settings(None, environ, cwd, etc).system.port == 2
    explicit = write_port(cwd / "explicit.yml", 1)
    settings = load_settings(Path("explicit.yml"), environ, cwd, etc)
    assert settings.system.port == 1
    assert settings.origin == str(explicit)
    assert load_settings(None, {"SLURM_REST_API_CONFIG": ""}, cwd, etc).origin == str(here)


def test_without_a_file_the_defaults_apply(tmp_path: Path) -> None:
    settings = load_settings(None, {}, tmp_path, tmp_path / "none.yml")
    assert (settings.system.host, settings.system.port, settings.system.source) == ("127.0.0.1", 5000, "slurm")
    assert settings.filter.partitions == ()
    assert "defaults" in settings.origin


@pytest.mark.parametrize("text", ["", "# nothing\n", "system:\n", "system:\ndatabase:\nfilter:\n", "{}", "null\n"])
def test_an_empty_file_means_the_defaults(tmp_path: Path, text: str) -> None:
    settings = load(tmp_path, text)
    assert settings.system == Settings().system
    assert settings.database == Settings().database


def test_a_missing_named_file_is_a_fault(tmp_path: Path) -> None:
    write_port(tmp_path / "config.yml", 1)
    with pytest.raises(ConfigError, match=r"The file does not exist: none\.yml\. Check --config\."):
        load_settings(Path("none.yml"), {}, tmp_path)
    with pytest.raises(ConfigError, match=r"The file does not exist: /none\.yml\. Check \$SLURM_REST_API_CONFIG\."):
        load_settings(None, {"SLURM_REST_API_CONFIG": "/none.yml"}, tmp_path)


def test_a_configuration_of_earlier_versions_starts(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
system:
        use_acct_db: True        # Use the account database
        use_cors: yes
        debug: False
        host: 0.0.0.0
        port: 5000
        serve_index: True
        archive_usage_load: True
        archive_wait_time: 60
        archive_path: db.json
database:
        db_host: slurm.example.org
        db_user: reader
        db_pass: password
        db_name: slurm_acct_db
        table_assoc: our-cluster_assoc_table
        table_job: our-cluster_job_table
filter:
        partitions:
                - secret
                - confidential
""",
    )
    assert settings.system.use_acct_db
    assert settings.system.use_cors
    assert settings.system.host == "0.0.0.0"
    assert settings.system.archive_path == "db.json"
    assert settings.database.db_pass.get_secret_value() == "password"
    assert settings.database.table_job == "our-cluster_job_table"
    assert settings.filter.partitions == ("secret", "confidential")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "system: {waiting_requests: 4}",
            "system.waiting_requests (line 1): this setting was removed with the query parameter `wait`."
            " Delete the line.",
        ),
        ("system: {port: abc}", 'system.port (line 1): invalid value "abc". Expected a whole number from 1 to 65535.'),
        ("system:\n  port: 0", "system.port (line 2): invalid value 0. Expected a whole number from 1 to 65535."),
        (
            "system: {port: 5000.5}",
            "system.port (line 1): invalid value 5000.5. Expected a whole number from 1 to 65535.",
        ),
        ("system: {port: yes}", "system.port (line 1): invalid value true. Expected a whole number from 1 to 65535."),
        (
            "system: {port: }",
            "system.port (line 1): invalid value null. Expected a whole number from 1 to 65535.",
        ),
        ("system: {debug: 1}", "system.debug (line 1): invalid value 1. Expected true or false."),
        ('system: {debug: "yes"}', 'system.debug (line 1): invalid value "yes". Expected true or false.'),
        (
            "system: {refresh_seconds: 0.5}",
            "system.refresh_seconds (line 1): invalid value 0.5. Expected a number from 1 to 86400.",
        ),
        (
            "system: {refresh_seconds: .inf}",
            "system.refresh_seconds (line 1): invalid value Infinity. Expected a number from 1 to 86400.",
        ),
        (
            "system: {archive_path: 'postgres://slurm:secret@db/load'}",
            "system.archive_path (line 1): invalid value (not shown). Expected the path of a file. The URL of a"
            " database belongs into `archive_url`.",
        ),
        (
            "system: {host: 5}",
            "system.host (line 1): invalid value 5. Expected text that is not empty"
            " (put it in quotes: YAML reads it as a number or a boolean).",
        ),
        (
            "system: {host: '[::1]:5000'}",
            'system.host (line 1): invalid value "[::1]:5000". Expected a host name or an address such as 127.0.0.1 or'
            " ::1, without brackets and port.",
        ),
        (
            "system: {log_level: off}",
            "system.log_level (line 1): invalid value false. Expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL.",
        ),
        (
            "system: {source: pyslurm}",
            'system.source (line 1): invalid value "pyslurm". Expected "slurm", "slurm:pyslurm", "slurm:commands",'
            ' "demo", or "package.module:function" for a source of your own.',
        ),
        (
            'system: {cors_origins: ["*", "https://a.org/"]}',
            'system.cors_origins[1] (line 1): invalid value "https://a.org/". Expected "*" or an origin such as'
            ' "https://dashboard.example.org" (no path, no closing slash).',
        ),
        (
            "system: {runtime_dir: run}",
            'system.runtime_dir (line 1): invalid value "run". Expected an absolute path (one that begins with /).',
        ),
        (
            'pages: {logo: "/a\\0b"}',
            'pages.logo (line 1): invalid value "/a\\u0000b". Expected a path without NUL characters.',
        ),
        (
            'system: {archive_path: "a\\0b"}',
            'system.archive_path (line 1): invalid value "a\\u0000b". Expected a path without NUL characters.',
        ),
        (
            f"auth: {{token_file: /{'a' * 256}}}",
            f'auth.token_file (line 1): invalid value "/{"a" * 75}.... Expected a path of at most 4095 bytes, with'
            " names of at most 255 bytes.",
        ),
        (
            "system: {runtime_dir: 5}",
            "system.runtime_dir (line 1): invalid value 5. Expected an absolute path, or null.",
        ),
        (
            "filter: {partitions: secret}",
            'filter.partitions (line 1): invalid value "secret". Expected a list of texts such as ["a", "b"].',
        ),
        (
            "filter:\n  partitions:\n    - a\n    - 0017",
            "filter.partitions[1] (line 2): invalid value 15. Expected text that is not empty"
            " (put it in quotes: YAML reads it as a number or a boolean).",
        ),
        (
            "database: {table_job: a/b}",
            'database.table_job (line 1): invalid value "a/b". Expected the name of a table such as'
            ' "cluster_job_table", without its database.',
        ),
        ("system: {prot: 1}", "system.prot (line 1): unknown setting. Did you mean `port`?"),
        (
            "system: {partitions: []}",
            "system.partitions (line 1): not a setting of this section. Move it to section `filter`.",
        ),
        ("port: 1", "port (line 1): not a setting of this section. Move it to section `system`."),
        ("sytem: {}", "sytem (line 1): unknown section. Did you mean `system`?"),
        ("origin: x", "origin (line 1): unknown section. Expected one of system, database, filter, auth, pages."),
        ("1: x", "the file: 1 is not a setting. Expected one of system, database, filter, auth, pages."),
        ("filter: {2: x}", "filter: 2 is not a setting. Expected one of partitions."),
        ("system: [port]", "system (line 1): expected settings, one per line, as `name: value`."),
        (
            "- system",
            "The file is not a mapping. Write the sections system, database, filter, auth and pages, each as `name:`.",
        ),
        ("system:\n  port: 1\n  port: 1", "system.port is set twice: in lines 2 and 3. Remove one."),
        ("filter:\nfilter:", "filter is set twice: in lines 1 and 2. Remove one."),
    ],
)
def test_each_fault_names_location_value_and_expectation(tmp_path: Path, text: str, fault: str) -> None:
    assert faults_of(tmp_path, text) == [fault]


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = """
system: {port: 0, debug: 2, prot: 3, prot: 4}
databse: {}
database: {db_port: x, db_pass: a, db_pass_file: /b}
filter: {partitions: 5}
"""
    places = [fault.partition(" ")[0].rstrip(":") for fault in faults_of(tmp_path, text)]
    assert sorted(places) == sorted(
        [
            "system.port",
            "system.debug",
            "system.prot",
            "system.prot",
            "databse",
            "database.db_port",
            "database.db_pass_file",
            "filter.partitions",
        ]
    )


@pytest.mark.parametrize(
    "text",
    [
        f"database: {{db_pass: [{SECRET}]}}",
        f"database: {SECRET}",
        f"database: [{SECRET}]",
        f"database: {{db_pasword: {SECRET}}}",
        f"database: {{db_pass: *{SECRET}}}",
        f"database: {{db_pass: !{SECRET}}}",
        f"database: {{db_pass: {SECRET}, db_pass_file: /x}}",
        f"database: {{db_pass: {SECRET}, db_pass: {SECRET}}}",
        f"databsae: {{db_pass: {SECRET}}}",
        f"database:\n  db_pass: '{SECRET}\n",
        f"database:\n  db_pass: %{SECRET}\n",
        f"database:\n  db_pass: [{SECRET}\n",
        f'database:\n  db_pass: "\\{SECRET}"\n',
    ],
)
def test_no_fault_shows_a_password(tmp_path: Path, text: str) -> None:
    assert all(SECRET not in fault for fault in faults_of(tmp_path, text))


def test_no_repr_shows_the_password(tmp_path: Path) -> None:
    settings = load(tmp_path, f"database: {{db_pass: {SECRET}}}")
    assert settings.database.db_pass.get_secret_value() == SECRET
    assert SECRET not in f"{settings!r} {settings} {settings.database!r} {settings.model_dump_json()}"


def password_file(folder: Path, text: str = f"{SECRET}\nsecond line\n", mode: int = 0o600) -> Path:
    file = folder / "password"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_the_environment_overrides_the_password_file_and_setting(tmp_path: Path) -> None:
    from_file = f"database: {{db_pass_file: {password_file(tmp_path)}}}"
    assert load(tmp_path, from_file).database.db_pass.get_secret_value() == SECRET
    given = load(tmp_path, from_file, SLURM_REST_API_DB_PASS="other")
    assert given.database.db_pass.get_secret_value() == "other"
    given = load(tmp_path, "database: {db_pass: inline}", SLURM_REST_API_DB_PASS="other")
    assert given.database.db_pass.get_secret_value() == "other"
    assert load(tmp_path, "database: {db_pass: inline}").database.db_pass.get_secret_value() == "inline"


@pytest.mark.parametrize(
    ("text", "mode", "fault"),
    [
        ("", 0o600, "has no password. Write it into the first line."),
        ("\nsecond\n", 0o600, "has no password. Write it into the first line."),
        (SECRET, 0o644, "is readable by every user of this host. Run `chmod o-r` on it."),
    ],
)
def test_an_empty_or_readable_password_file_is_a_fault(tmp_path: Path, text: str, mode: int, fault: str) -> None:
    file = password_file(tmp_path, text, mode)
    found = faults_of(tmp_path, f"database: {{db_pass_file: {file}}}")
    assert found == [f'database.db_pass_file: "{file}" {fault}']


def test_an_unreadable_password_file_is_a_fault(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert faults_of(tmp_path, f"database: {{db_pass_file: {missing}}}") == [
        f'database.db_pass_file: "{missing}" cannot be read: No such file or directory.'
    ]
    file = password_file(tmp_path)
    file.write_bytes(b"\xff\xfe\xff")
    assert faults_of(tmp_path, f"database: {{db_pass_file: {file}}}") == [
        f'database.db_pass_file: "{file}" is not UTF-8 text.'
    ]
