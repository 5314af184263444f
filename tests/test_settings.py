"""Settings from variables and .env; a wrong value is reported with the variable's name and the remedy."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from beha2vec_core.estimate import memory_bytes
from beha2vec_core.llm import LlmSettings
from beha2vec_core.pages import require_valid_settings
from beha2vec_core.settings import (
    ExportSettings,
    Settings,
    SettingsError,
    misspelt_variables,
    renamed_variables,
    variables,
)

pytestmark = pytest.mark.usefixtures("clean_room")


def test_defaults_work(tmp_path: Path) -> None:
    settings = Settings.load()
    assert settings.storage.warehouse_path == tmp_path / "data" / "warehouse.duckdb"
    assert settings.storage.raw_path == tmp_path / "data" / "raw_ga4_events"
    assert (settings.encoder.sequence_length, settings.encoder.lookback_days) == (128, 90)
    assert settings.export.end_date is None
    assert not LlmSettings.of(settings).is_configured


def test_no_export_is_read_unless_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings.load()
    assert (settings.export.source, settings.export.start_date, settings.export.timezone) == (None, None, None)
    assert settings.export.tz == ZoneInfo("UTC")
    with pytest.raises(SettingsError) as caught:
        ExportSettings.load()
    missing = [line.split(" is not set: set it in .env to ")[0] for line in str(caught.value).splitlines()[1:]]
    assert missing == ["  BEHA2VEC_SOURCE", "  BEHA2VEC_START_DATE", "  BEHA2VEC_TIMEZONE"]
    monkeypatch.setenv("BEHA2VEC_SOURCE", "export")
    monkeypatch.setenv("BEHA2VEC_START_DATE", "2026-01-31")
    with pytest.raises(SettingsError, match=r"\ABEHA2VEC_TIMEZONE is not set: [^\n]+\Z"):
        ExportSettings.load()
    monkeypatch.setenv("BEHA2VEC_TIMEZONE", "Mars/Olympus")
    with pytest.raises(SettingsError, match=r"\ABEHA2VEC_TIMEZONE \(is 'Mars/Olympus'\)"):
        ExportSettings.load()


def test_the_demo_names_its_export(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        (Path(__file__).resolve().parents[1] / "beha2vec_core" / "demo_shop" / "demo.env").read_text()
    )
    settings = ExportSettings.load()
    assert (settings.export.source, settings.export.property_id, settings.export.tz.key) == (
        "data/demo_export", "northfold", "Europe/Berlin"
    )  # fmt: skip
    assert (settings.export.start_date, settings.export.end_date) == (date(2026, 1, 5), date(2026, 3, 29))


def test_variables_stand_before_dotenv_and_dotenv_before_defaults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(
        "BEHA2VEC_TIMEZONE=UTC\nBEHA2VEC_START_DATE=2024-02-29\n# a note\nBEHA2VEC_DATA_DIR='my data'\nOTHER=1\n"
    )
    monkeypatch.setenv("BEHA2VEC_TIMEZONE", "Asia/Tokyo")
    settings = Settings.load()
    assert settings.export.timezone == "Asia/Tokyo"
    assert settings.export.start_date == date(2024, 2, 29)
    assert settings.storage.data_dir == tmp_path / "my data"


def test_the_openai_variables_count_from_environment_and_dotenv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-dotenv\n")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    settings = Settings.load()
    assert LlmSettings.of(settings).is_configured
    assert settings.llm.base_url == "http://localhost:8000/v1"
    key = settings.llm.api_key
    assert key is not None
    assert key.get_secret_value() == "sk-dotenv"
    assert "sk-dotenv" not in repr(settings)
    monkeypatch.setenv("BEHA2VEC_LLM_BASE_URL", "http://localhost:9000/v1")
    assert Settings.load().llm.base_url == "http://localhost:9000/v1"


def test_settings_can_be_given_by_name() -> None:
    settings = Settings(llm_base_url="http://h/v1", llm_api_key=SecretStr("k"), data_dir=Path("/tmp/x"))
    assert settings.llm.base_url == "http://h/v1"
    assert settings.pages == Settings().pages
    assert settings.storage.encoders_path == Path("/tmp/x/encoders")


@pytest.mark.parametrize("name", ["END_DATE", "LABELS_FILE", "LLM_BASE_URL", "LLM_API_KEY", "DATA_DIR", "TIMEZONE"])
def test_empty_means_unset(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = Settings.load()
    monkeypatch.setenv(f"BEHA2VEC_{name}", "")
    assert Settings.load() == before


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("TIMEZONE", "Berlin", ["'Berlin'", "Europe/Berlin"]),
        ("PROPERTY_TIMEZONES", '{"1": "Berlin"}', ["'Berlin'", "Europe/Berlin"]),
        ("PROPERTY_TIMEZONES", "Europe/Berlin", ["JSON"]),
        ("START_DATE", "05.01.2026", ["05.01.2026", "YYYY-MM-DD"]),
        ("END_DATE", "2025-01-01", ["BEHA2VEC_START_DATE", "swap"]),
        ("PROPERTY_ID", "a/b", ["'a/b'", "letters, digits"]),
        ("PROPERTY_ID", "..", ["letters, digits"]),
        ("MAX_BAD_SHARE", "1.5", ["1.5", "less than or equal to 1"]),
        ("MAX_BAD_SHARE", "nan", ["nan"]),
        ("SEQUENCE_LENGTH", "1", ["greater than or equal to 2"]),
        ("LOOKBACK_DAYS", "many", ["many", "whole number"]),
        ("DEVICE", "tpu", ["tpu", "'auto', 'cpu', 'cuda' or 'mps'"]),
        ("LLM_BASE_URL", "localhost:8000", ["http://localhost:8000/v1"]),
        ("PAGE_CLASSIFIERS", "rules, gpt", ["(is 'rules, gpt')", "'gpt'", "rules, embedding, nli, llm"]),
        ("PAGE_RULE_PACKS", "shopware", ["(is 'shopware')", "all, errors"]),
        ("NIGHTLY_HOUR", "24", ["less than or equal to 23"]),
        ("LOCK_TIMEOUT_SECONDS", "0", ["greater than 0"]),
        ("MEMORY_LIMIT", "a lot", ["'a lot'", "4GB, 512MB or 50%"]),
        ("MEMORY_LIMIT", "0GB", ["4GB, 512MB or 50%"]),
        ("DBT_CHUNK_DAYS", "0", ["greater than or equal to 1"]),
    ],
)
def test_a_wrong_value_is_reported(name: str, value: str, parts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_START_DATE", "2026-01-05")
    monkeypatch.setenv(f"BEHA2VEC_{name}", value)
    with pytest.raises(SettingsError) as caught:
        require_valid_settings(Settings.load())
    for part in [f"BEHA2VEC_{name}", *parts]:
        assert part in str(caught.value)


def test_all_wrong_values_are_reported_at_once_and_secrets_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_TIMEZONE", "Mars")
    monkeypatch.setenv("BEHA2VEC_DEVICE", "tpu")
    monkeypatch.setenv("OPENAI_BASE_URL", "ftp://me:secret@host")
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 3
    assert "OPENAI_BASE_URL" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_dotenv_that_is_no_text_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("BEHA2VEC_TIMEZONE=UTC\n".encode("utf-16"))
    with pytest.raises(SettingsError, match="save it as UTF-8"):
        Settings.load()


def test_a_variable_without_our_prefix_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Settings.load()
    for name in ("SOURCE", "DEVICE", "LLM_MODEL", "MODEL", "EXPORT", "STORAGE", "BEHA2VEC_SELF"):
        monkeypatch.setenv(name, "tpu")
    assert Settings.load() == before


def test_every_variable_sets_one_field_of_one_group() -> None:
    fields = [(name, field) for name, group in Settings.model_fields.items() for field in group.annotation.model_fields]
    assert len(variables()) == len(fields) > 50
    assert {"LLM_BASE_URL", "PAGE_RULE_PACKS", "DAGSTER_URL", "EXPLORER_PASSWORD"} <= set(variables())


def test_misspelt_variables_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_SORCE", "x")
    monkeypatch.setenv("BEHA2VEC_SOURCE", "x")
    monkeypatch.setenv("BEHA2VEC_DBT_MEMORY_LIMIT", "1GB")  # a former name
    assert misspelt_variables() == {"BEHA2VEC_SORCE": "BEHA2VEC_SOURCE"}


def test_a_former_name_counts_where_the_present_one_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().storage.memory_limit == "80%"
    monkeypatch.setenv("BEHA2VEC_DBT_MEMORY_LIMIT", "1GB")
    assert Settings.load().storage.memory_limit == "1GB"
    assert renamed_variables() == {"BEHA2VEC_DBT_MEMORY_LIMIT": "BEHA2VEC_MEMORY_LIMIT"}
    monkeypatch.setenv("BEHA2VEC_MEMORY_LIMIT", "512 mb")
    assert Settings.load().storage.memory_limit == "512MB"


@pytest.mark.parametrize("value", ["512MB", "1.5GiB", "2g", "2 tib", "50%", "100 %"])
def test_duckdb_takes_a_memory_limit_as_it_may_be_written(value: str) -> None:
    assert 0 < memory_bytes(Settings(memory_limit=value).storage.memory_limit) < 3 * 1024**4


def test_docs_list_every_setting_with_its_default() -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "settings.md").read_text()
    for name, group in Settings.model_fields.items():
        section = text.partition(f"`settings.{name}` in Python")[2].partition("## ")[0]
        for field in group.annotation.model_fields.values():
            start = f"| `BEHA2VEC_{field.alias.upper()}` |"
            row = next((line for line in section.splitlines() if line.startswith(start)), "")
            assert str(field.description) in row, start
            default = ", ".join(field.default) if isinstance(field.default, list) else field.default
            assert default is None or f"`{default}`" in row, start


def test_a_home_folder_that_does_not_exist_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", "~nobody-here/x")
    with pytest.raises(SettingsError, match=r"BEHA2VEC_DATA_DIR .*there is no such home folder"):
        Settings.load()


def test_openais_variables_have_no_second_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    monkeypatch.setenv("BEHA2VEC_OPENAI_API_KEY", "ours")
    key = Settings.load().llm.api_key
    assert key is not None and key.get_secret_value() == "theirs"
