"""The borders between the layers: who may import what."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [*sorted((ROOT / "pages").rglob("*.py")), ROOT / "streamlit_app.py"]
HEAVY = ("tensorflow", "keras")


def imported(path: Path) -> set[str]:
    """Full names of all modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def is_ours(name: str) -> bool:
    """Whether it is a module of this project, and not something inside one."""
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_the_package_never_imports_streamlit():
    for path in (ROOT / "unet_core").rglob("*.py"):
        assert not any(name.split(".")[0] == "streamlit" for name in imported(path)), path


@pytest.mark.parametrize("path", PAGES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_no_page_names_a_heavy_library(path):
    assert not any(name.split(".")[0] in HEAVY for name in imported(path))


def test_what_a_page_imports_never_loads_tensorflow():
    """One process imports for page after page, and names those after which it is there."""
    lines = ["import sys"]
    for path in PAGES:
        modules = sorted(name for name in imported(path) if is_ours(name))
        assert modules or path.name == "streamlit_app.py"
        lines += [f"import {name}" for name in modules]
        lines.append(f"if any(m in sys.modules for m in {HEAVY}): print({path.name!r})")
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
