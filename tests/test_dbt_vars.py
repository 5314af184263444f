"""What stands in Python and in dbt_ga4's vars is the same."""

from pathlib import Path

import yaml

from beha2vec_core import dbt_vars, settings


def test_values_are_those_of_dbt() -> None:
    project = yaml.safe_load((Path(__file__).parents[1] / "dbt_ga4" / "dbt_project.yml").read_text())
    ours = {name.lower(): value for name, value in vars(dbt_vars).items() if name.isupper()}
    ours["session_attribution_lookback_window_days"] = settings.ATTRIBUTION_DAYS
    assert len(ours) > 5
    for name, value in ours.items():
        assert project["vars"][name] == (list(value) if isinstance(value, tuple) else value), name
