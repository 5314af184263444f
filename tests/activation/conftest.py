"""A local server that plays a destination."""

from collections.abc import Iterator

import pytest

from tests.activation.services import Service, served


@pytest.fixture
def service() -> Iterator[Service]:
    with served() as running:
        yield running
