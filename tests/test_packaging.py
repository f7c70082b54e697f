"""What is installed is what the tests ran with: one list of requirements, one version."""

import re
import subprocess
from pathlib import Path

import pytest

import unet_core
from unet_core.cli import main
from unet_core.web.export import PAGE

ROOT = Path(__file__).parent.parent
tomllib = pytest.importorskip("tomllib")  # Python 3.11
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def lines(name: str) -> set[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return {line for line in text.splitlines() if line and line[0] not in "#-"}


def name_of(requirement: str) -> str:
    return re.match(r"[\w-]+", requirement)[0]


def test_what_a_host_installs_is_the_package_with_what_trains():
    project = PROJECT["project"]
    listed = project["dependencies"] + project["optional-dependencies"]["train"]
    assert lines("requirements.txt") == set(listed)


def test_prediction_alone_needs_no_tensorflow():
    names = {name_of(line) for line in PROJECT["project"]["dependencies"]}
    assert not names & {"tensorflow", "tensorflow-cpu", "keras", "tf2onnx"}


def test_every_requirement_has_a_version_that_the_tests_ran_with():
    pinned = {
        line.partition("==")[0].lower().replace("_", "-") for line in lines("constraints.txt")
    }
    asked = lines("requirements.txt") | lines("requirements-dev.txt")
    names = {name_of(line).lower() for line in asked}
    assert names - {"tensorflow"} <= pinned


def test_an_installed_package_brings_the_app_and_the_shipped_models():
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    inside = {source: Path(target) for source, target in wheel["force-include"].items()}
    assert set(inside) == {"streamlit_app.py", "pages", "weights", ".streamlit"}
    assert all((ROOT / source).exists() for source in inside)
    assert {target.parent for target in inside.values()} == {Path("unet_core/app")}


def test_an_installed_package_brings_the_page_without_a_server():
    """The wheel has all of ``unet_core`` that git does not ignore; nothing is taken out again."""
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["unet_core"] and not {"exclude", "only-include"} & set(wheel)
    files = [str(path) for path in PAGE.rglob("*") if path.is_file()]
    command = ["git", "check-ignore", "--no-index", *files]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert len(files) == 6 and not ignored.stdout


def test_the_command_tells_its_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out.split()[-1] == unet_core.__version__
    assert PROJECT["project"]["scripts"] == {"unet-studio": "unet_core.cli:main"}
