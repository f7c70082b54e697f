"""The borders between the layers: who may import what. Run with ``-s``, it prints the graph."""

import ast
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "unet_core"
PAGES = [*sorted((ROOT / "pages").rglob("*.py")), ROOT / "streamlit_app.py"]
HEAVY = ("tensorflow", "keras")
HEAVY_LAYERS = ("models", "training")
FLOORS = (  # from the ground up; layers on one floor do not import each other
    ("errors", "__init__"),
    ("store",),
    ("architectures",),
    ("prediction",),
    ("data",),
    ("metrics",),
    ("jobs", "figures", "models", "web"),
    ("training",),
    ("cli",),
    ("__main__",),
)
FLOOR = {layer: number for number, layers in enumerate(FLOORS) for layer in layers}


def imported(path: Path, at_the_top: bool = False) -> set[str]:
    """Full names of all modules that a file imports, wherever in it or ``at_the_top`` alone."""
    names = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if at_the_top else ast.walk(tree):
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


def modules() -> dict[str, Path]:
    """All modules of the package by name; a folder's name is that of its ``__init__``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def layer_of(module: str) -> str:
    """``data`` of ``unet_core.data.synthetic``; the package itself is ``__init__``."""
    return (module.split(".") + ["__init__"])[1]


def arrows(at_the_top: bool = False) -> list[tuple[str, str]]:
    """Pairs of modules of the package of which the first imports the second."""
    known = modules()
    return [
        (module, name)
        for module, path in known.items()
        for name in imported(path, at_the_top) & set(known)
        if name not in (module, "unet_core")
    ]


def graph() -> str:
    """The arrows between layers, floor by floor from the roof, with how many imports each stands
    for."""
    counts = Counter((layer_of(a), layer_of(b)) for a, b in arrows() if layer_of(a) != layer_of(b))
    lines = []
    for layers in reversed(FLOORS):
        for layer in layers:
            below = sorted((b, n) for (a, b), n in counts.items() if a == layer)
            lines.append(f"{layer:>14} -> {', '.join(f'{b} {n}' for b, n in below) or '-'}")
    return "\n".join(lines)


def test_arrows_point_down_only():
    print(f"\n{graph()}")
    up = [
        f"{a} imports {b}"
        for a, b in arrows()
        if layer_of(a) != layer_of(b) and FLOOR[layer_of(a)] <= FLOOR[layer_of(b)]
    ]
    assert not up


def test_no_module_needs_itself():
    """Not even inside a layer: the modules have an order in which each needs only earlier ones."""
    found = arrows(at_the_top=True)
    needs = {module: {b for a, b in found if a == module} for module in modules()}
    assert list(TopologicalSorter(needs).static_order())


def test_keras_and_tensorflow_are_in_two_layers_alone():
    heavy = {
        layer_of(module)
        for module, path in modules().items()
        if any(name.split(".")[0] in (*HEAVY, "tf2onnx") for name in imported(path))
    }
    assert heavy == set(HEAVY_LAYERS)


def test_the_package_never_imports_streamlit():
    for path in PACKAGE.rglob("*.py"):
        assert not any(name.split(".")[0] == "streamlit" for name in imported(path)), path


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_page_names_a_heavy_library(path):
    assert not any(name.split(".")[0] in HEAVY for name in imported(path))


def test_what_a_page_imports_never_loads_tensorflow():
    """One process imports for page after page, and names those after which it is there."""
    lines = ["import sys"]
    for path in PAGES:
        modules = sorted(name for name in imported(path) if is_ours(name))
        lines += [f"import {name}" for name in modules]
        lines.append(f"if any(m in sys.modules for m in {HEAVY}): print({path.name!r})")
    assert len(lines) > 40
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
