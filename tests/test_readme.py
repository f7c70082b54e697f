"""What README.md tells a reader to type works, on data that is drawn here."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unet_core
from unet_core.cli import main, parse
from unet_core.data.io import read_image

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "weights" / "README.md"]


def block(language: str) -> str:
    """The README's lines for a reader's own images."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Use it on your own images")[2]
    return re.search(rf"```{language}\n(.*?)```", section, re.S)[1]


def commands() -> list[list[str]]:
    """The arguments of the section's `unet-studio` lines."""
    lines = [shlex.split(line, comments=True) for line in block("sh").splitlines()]
    return [words[1:] for words in lines if words[0] == "unet-studio"]


def test_five_lines_of_shell_and_five_of_python():
    assert len(block("sh").splitlines()) == 5
    assert len([line for line in block("python").splitlines() if line]) <= 5
    assert [words[0] for words in commands()] == ["train", "evaluate", "predict", "app"]


@pytest.mark.slow
def test_they_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for number in range(10):
        mask = np.zeros((64, 64), np.uint8)
        top, left = random.integers(4, 28, 2)
        mask[top : top + 32, left : left + 32] = 255
        image = np.where(mask[..., None] > 0, (200, 120, 40), (30, 60, 120)).astype(np.uint8)
        for folder, values in (("images", image), ("masks", mask)):
            path = tmp_path / "my-data" / folder
            path.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(path / f"{number}.png")
    Image.fromarray(image).save("new.png")
    train, evaluate, predict, _ = commands()
    small = ["--image-size", "32", "--model-arguments", '{"depth": 2, "filters": 8}']
    assert main([*train, *small]) == main(evaluate) == main(predict) == 0
    assert read_image(Path("masks/new_mask.png")).shape == (64, 64, 3)
    written = {path.name for path in Path("masks").iterdir()}
    assert written == {"new_mask.png", "new_cutout.png", "new.txt", "coco.json", "classes.csv"}
    capsys.readouterr()
    exec(block("python"), {})
    shares = eval(capsys.readouterr().out, {"np": np})
    assert list(shares) == ["background", "object"] and sum(shares.values()) == pytest.approx(1)


def test_every_command_in_the_documents_can_be_read():
    for document in DOCUMENTS:
        for line in document.read_text(encoding="utf-8").splitlines():
            for found in re.findall(r"(?:unet-studio|python -m unet_core) ([a-z][^`#\n|]*)", line):
                words = [{"NAME": "pets"}.get(word, word) for word in shlex.split(found)]
                try:
                    parse(words)
                except SystemExit as end:
                    assert end.code == 0, (document.name, found)  # as of --help


def test_every_file_that_a_document_names_is_there():
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        named = re.findall(r"`((?:unet_core|tests|pages|benchmarks|docs)/[\w/.-]+)`", text)
        missing = [name for name in named if not (ROOT / name).exists()]
        assert not missing, (document.name, missing)


def test_the_names_of_the_package_are_there():
    for name in unet_core.NAMES:
        assert callable(getattr(unet_core, name))
    assert not hasattr(unet_core, "nothing")
