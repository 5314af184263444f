"""The page Predictions and scores on other pages, in Streamlit without a browser."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from beha2vec_core.explorer import page
from tests.explorer.explorer_world import make_serving
from tests.explorer.test_views import text_of, view


@pytest.fixture(autouse=True)
def _settings_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    page.settings_of_server.clear()


@pytest.fixture
def shop(serving: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(serving.parent))


def test_who_will_buy_and_how_right_it_was(shop: None) -> None:
    app = view("predictions")
    assert not app.exception
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Users"] == "280" and "Expected revenue in 28 days" in metrics
    text = text_of(app)
    assert "Prediction model" in text and "Scores of 280 users" in text
    assert "in 78% (76% to 80%) of all pairs" in text
    assert "there is no clear difference: +0.008 AUROC (-0.003 to +0.017)" in text
    assert "differ by 1.2 percentage points (0.6 to 2.0) on average" in text
    assert "Recency, frequency, money" in text and "Same for all users" in text
    assert "28 users with the highest probability" in text
    assert "&lt;script&gt;" in text and "<script" not in text, "reasons and notes are text"
    assert len(app.get("plotly_chart")) == 3
