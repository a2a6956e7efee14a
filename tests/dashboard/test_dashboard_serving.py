"""How the server is started; needs neither Streamlit nor a browser."""

from pathlib import Path
from typing import Any

import pytest

from fvc.cli import app
from fvc.dashboard.serving import SETTINGS, UPLOAD_LIMIT_MIB, serve_dashboard, server_command
from fvc.errors import MissingExtraError, MissingInputError, OptionError


def test_it_listens_on_this_machine_alone_and_sends_nothing() -> None:
    command = server_command("127.0.0.1", 8501, headless=False)
    assert "--server.address=127.0.0.1" in command
    assert "--browser.gatherUsageStats=false" in command
    assert f"--server.maxUploadSize={UPLOAD_LIMIT_MIB}" in command
    assert "--server.enableXsrfProtection=true" in command
    assert "--server.headless=false" in command


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_a_port_is_a_port(tmp_path: Path, port: int) -> None:
    with pytest.raises(OptionError, match="1 to 65535"):
        serve_dashboard(tmp_path, port=port)


def test_a_project_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="no such folder"):
        serve_dashboard(tmp_path / "absent")


def test_without_the_extra_the_line_that_installs_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError):
        serve_dashboard(tmp_path)
    assert app.run(["dashboard", "--project", str(tmp_path)]) == 8
    assert 'pip install "fvc[dashboard]"' in capsys.readouterr().err


def test_streamlit_run_is_set_as_our_own_command_is() -> None:
    import tomllib

    config = Path(__file__).parents[2] / "src" / ".streamlit" / "config.toml"
    said = _flat(tomllib.loads(config.read_text(encoding="utf-8")))
    assert said.pop("server.address") == "127.0.0.1"
    assert said == {name: str(value) for name, value in SETTINGS.items()}


def _flat(table: dict[str, Any], above: str = "") -> dict[str, str]:
    flat = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = str(value).lower() if isinstance(value, bool) else str(value)
    return flat
