"""Start the explorer's web server: Streamlit, with the settings that make it local, quiet and safe."""

import os
import sys
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn

from beha2vec_core.settings import PREFIX, Settings

_APP = Path(__file__).with_name("asgi.py")
_NEEDED = ("streamlit", "plotly")


class LaunchError(RuntimeError):
    """The explorer cannot start; the message names the remedy."""


def launch(settings: Settings, host: str, port: int) -> NoReturn:
    """Become the server's process: what stops this command stops the server.

    Raises:
        LaunchError: the extra is not installed, nothing is published, or other machines would need no sign-in.
    """
    require_sign_in(settings, host)
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise LaunchError(f"the explorer needs {' and '.join(missing)}: pip install 'beha2vec[explorer]'")
    if not settings.storage.serving_path.exists():
        raise LaunchError(
            f"there is no published database at {settings.storage.serving_path}: run beha2vec materialize, or "
            "materialize serving_database"
        )
    sys.stdout.flush()
    os.execve(sys.executable, command(settings, host, port), dict(os.environ))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def require_sign_in(settings: Settings, host: str) -> None:
    """Check that other machines can only reach the page with a sign-in.

    Raises:
        LaunchError: anyone who can reach ``host`` would see every user.
    """
    if not (is_loopback(host) or settings.explorer.password or settings.explorer.auth_header):
        raise LaunchError(
            f"anyone who can reach {host} would see every user's behavior: set {PREFIX}EXPLORER_PASSWORD, or put a "
            f"reverse proxy in front and set {PREFIX}EXPLORER_AUTH_HEADER (docs/explorer.md)"
        )


def command(settings: Settings, host: str, port: int) -> list[str]:
    """What is run. Secrets are not in it: other users of the machine can see it."""
    from beha2vec_core.explorer.charts.theme import PALETTE

    options = [
        f"--server.address={host}",
        f"--server.port={port}",
        "--server.headless=true",
        "--server.showEmailPrompt=false",
        "--server.fileWatcherType=none",
        "--server.enableCORS=true",
        "--server.enableXsrfProtection=true",
        "--server.maxUploadSize=20",
        # Large figures are always sent again: Streamlit may ask the browser for one that it has let go already when
        # users click fast, and stops with "Cached ForwardMsg MISS" (its issue 11973)
        "--global.minCachedMessageSize=1e12",
        "--browser.gatherUsageStats=false",
        "--client.toolbarMode=viewer",
        "--client.showErrorDetails=none",
        "--client.showErrorLinks=false",
        f"--theme.light.primaryColor={PALETTE[0]}",
        f"--theme.dark.primaryColor={PALETTE[4]}",
    ]
    if is_loopback(host) and settings.explorer.auth_header is None:
        # no other name leads here, so a page of others cannot pretend to be this one (DNS rebinding)
        options += [f"--server.allowedHosts={name}" for name in ("localhost", "127.0.0.1", "::1")]
    return [sys.executable, "-m", "beha2vec_core.explorer.server", "run", str(_APP), *options]
