import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unet_core
from unet_core import cli
from unet_core.architectures.catalogue import CATALOGUE
from unet_core.cli import COMMANDS, main, parse
from unet_core.errors import UserError
from unet_core.store import environment
from unet_core.store.config import TrainingConfig, load_recipe, recipe_names
from unet_core.store.runs import create_run, write_json


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: python -m unet_core {command}")
    assert COMMANDS[command][0].__doc__.split("\n")[0] in " ".join(out.split())


def test_the_commands_and_the_version(capsys, monkeypatch):
    assert list(COMMANDS) == ["app", "models", "train", "evaluate", "predict", "download", "export"]
    for arguments, start in (
        (["--version"], f"U-Net Studio {unet_core.__version__}\n"),
        (["--help"], "usage: unet-studio [-h] [--version] COMMAND"),
    ):
        monkeypatch.setattr(cli.sys, "argv", ["/usr/bin/unet-studio"])
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 0 and capsys.readouterr().out.startswith(start)


def test_the_app_is_started_with_all_that_follows(monkeypatch):
    started = []
    monkeypatch.setattr(cli.sys, "argv", ["unet-studio"])
    monkeypatch.setattr(
        cli.runpy, "run_module", lambda name, run_name: started.append((name, run_name))
    )
    further = ["--server.port", "8502", "--server.headless=true", "--", "-x", "--v"]
    assert main(["app", *further]) == 0
    assert started == [("streamlit", "__main__")]
    script = Path(__file__).parent.parent / "streamlit_app.py"
    assert cli.sys.argv == ["streamlit", "run", str(script), *further]


def test_without_streamlit_there_is_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    assert main(["app"]) == 2
    assert "needs Streamlit" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["keras", "unheard_of"])
def test_what_needs_tensorflow_says_so_without_it(name, monkeypatch, capsys):
    def missing(options):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setitem(cli.COMMANDS, "models", (missing, None))
    if name == "keras":
        assert main(["models"]) == 2
        assert "pip install 'unet-studio[train]'" in capsys.readouterr().err
    else:
        with pytest.raises(ModuleNotFoundError):
            main(["models"])


def test_training_without_tensorflow_is_refused_before_a_folder_is_made(monkeypatch, capsys):
    monkeypatch.setattr(environment, "CAN_TRAIN", False)
    assert main(["train"]) == 2
    assert "needs TensorFlow" in capsys.readouterr().err and not environment.runs_folder().exists()


def test_the_app_starts_from_where_it_lies(monkeypatch):
    asked = []
    monkeypatch.setattr(sys, "argv", ["unet-studio"])
    monkeypatch.setattr(cli.runpy, "run_module", lambda name, **_: asked.append((name, sys.argv)))
    assert main(["app", "--server.port=1"]) == 0
    script = str(Path(__file__).parent.parent / "streamlit_app.py")
    assert asked == [("streamlit", ["streamlit", "run", script, "--server.port=1"])]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["evaluate", "nobody", "--data", "synthetic"], "no run called 'nobody'"),
        (["predict", "x.png", "--model", "../x", "--out", "out"], "no run called"),
        (["train", "--epochs", "0"], "Epochs must be at least 1"),
        (["train", "--learning-rate", "nan"], "Learning rate must be a number"),
        (["train", "--data", "birds"], "no data set 'birds'"),
    ],
)
def test_a_users_mistake_gets_a_sentence_and_exit_code_2(arguments, says, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and says in error


def test_every_recipe_is_a_valid_training():
    assert "pets" in recipe_names()
    for name in recipe_names():
        assert load_recipe(name).check()


def test_a_setting_that_does_not_exist_is_named():
    with pytest.raises(UserError, match="epoch_count"):
        TrainingConfig.from_dict({"epoch_count": 3})


USAGES = {
    "app": "",
    "models": "",
    "evaluate": " --data DATA [--split SPLIT] [--max-images MAX_IMAGES] [--out DIR] run",
    "predict": " [--model MODEL] --out DIR [--opacity OPACITY] "
    "[--write FILES] [--background COLOUR_OR_IMAGE] IMAGE [IMAGE ...]",
    "download": " [--max-images MAX_IMAGES] {pets}",
    "export": " --format {onnx,tflite,savedmodel,web} [--out OUT] run",
}


@pytest.mark.parametrize("command", USAGES)
def test_what_a_command_takes(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    usage = " ".join(capsys.readouterr().out.partition("\n\n")[0].split())
    assert usage == f"usage: python -m unet_core {command} [-h]{USAGES[command]}"


def test_options_are_read_as_what_they_are():
    def read(line: str) -> dict:
        return vars(parse(line.split()))

    words = "--run a/b --name n --title T --minutes 2.5 --epochs 3 --augmentation flip"
    options = read(f'train {words} --model-arguments {{"depth":2}} --crop-size 0')
    assert options["run"] == Path("a/b") and (options["name"], options["title"]) == ("n", "T")
    assert (options["minutes"], options["epochs"]) == (2.5, 3)
    assert options["model_arguments"] == {"depth": 2} and options["seed"] is None
    assert options["run_command"] is cli.train
    plain = read("train")
    assert plain["title"] == ""
    assert plain["run"] is plain["recipe"] is plain["minutes"] is None
    images = [Path("a.png"), Path("b.png")]
    expected = {"images": images, "model": None, "out": Path("c"), "opacity": 0.5}
    expected |= {"write": "mask,colours,overlay", "background": None, "run_command": cli.predict}
    assert read("predict a.png b.png --out c") == expected
    expected = {"run": "r", "data": "d", "split": "test", "max_images": None, "out": None}
    assert read("evaluate r --data d") == expected | {"run_command": cli.evaluate}
    assert read("evaluate r --data d --out o --max-images 3")["out"] == Path("o")
    expected = {"run": "r", "format": "onnx", "out": Path("m")}
    assert read("export r --format onnx --out m") == expected | {"run_command": cli.export}
    expected = {"data": "pets", "max_images": 3, "run_command": cli.download}
    assert read("download pets --max-images 3") == expected


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("download pets --max-images 0", "'0' is not a whole number above zero"),
        ("download pets --max-images 1.5", "'1.5' is not a whole number above zero"),
        ("train --minutes inf", "'inf' is not a number above zero"),
        ("train --minutes soon", "'soon' is not a number above zero"),
        ("train --model-arguments [1]", "'[1]' is not a JSON object in braces"),
        ("train --model-arguments depth", "'depth' is not a JSON object in braces"),
        ("download birds", "pets"),
        ("export r --format h5", "onnx"),
        ("train --recipe none", "pets"),
        ("train --optimizer none", "adam"),
        ("predict --out x", "IMAGE"),
        ("predict x.png", "--out"),
        ("evaluate r", "--data"),
        ("", "COMMAND"),
        ("models --server.port 8", "unrecognized arguments: --server.port 8"),
    ],
)
def test_what_cannot_be_read_is_said(line, says, capsys):
    with pytest.raises(SystemExit) as end:
        main(line.split())
    assert end.value.code == 2 and says in capsys.readouterr().err


def test_settings_that_are_not_given_stay_and_zero_may_mean_none():
    options = parse(["train", "--crop-size", "0", "--weight-decay", "0", "--epochs", "7"])
    assert cli.chosen_settings(options) == {"crop_size": None, "weight_decay": 0, "epochs": 7}
    assert cli.chosen_settings(parse(["train"])) == {}


def test_predict_writes_the_mask_its_colours_and_the_overlay(channel_run, tmp_path, capsys):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, :30], image[:, 30:] = (250, 0, 0), (0, 250, 0)  # pet, background
    Image.fromarray(image).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"")
    out = tmp_path / "new" / "out"
    words = [str(tmp_path / "b.png"), str(tmp_path / "a.png"), "--out", str(out), "--opacity", "1"]
    assert main(["predict", *words, "--model", "channels"]) == 2
    told = capsys.readouterr()
    names = [f"a_{kind}.png" for kind in ("mask", "mask_colour", "overlay")]
    assert told.out.splitlines() == [str(out / name) for name in names]
    assert "b.png: b.png is empty" in told.err and "1 of 2 pictures could not be read" in told.err
    mask, colours, overlay = (np.asarray(Image.open(out / name)) for name in names)
    assert mask.tolist() == [[0] * 30 + [1] * 30] * 40
    pet = [int(channel_run.classes[0].color[i : i + 2], 16) for i in (1, 3, 5)]
    assert colours[0, 0].tolist() == overlay[0, 0].tolist() == pet
    assert overlay[0, -1].tolist() == [0, 250, 0]  # the background stays as it is
    # without --model the best shipped one
    assert main(["predict", str(tmp_path / "a.png"), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "a_mask.png").read_bytes() == (out / "a_mask.png").read_bytes()


def test_predict_writes_what_it_is_asked_for(channel_run, tmp_path, capsys):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, :30], image[:, 30:] = (250, 0, 0), (0, 250, 0)  # pet, background
    for name in ("a.png", "b.jpg"):
        Image.fromarray(image).save(tmp_path / name)
    images = [str(tmp_path / name) for name in ("a.png", "b.jpg")]
    out = tmp_path / "out"
    words = ["--out", str(out), "--write", "coco,cutout,blur,yolo,csv", "--background", "#0000ff"]
    assert main(["predict", *images, *words]) == 0
    endings = ("_cutout.png", "_blur.png", ".txt", "_background.png")
    names = [stem + ending for stem in "ab" for ending in endings] + ["coco.json", "classes.csv"]
    assert capsys.readouterr().out.splitlines() == [str(out / name) for name in names]
    assert {path.name for path in out.iterdir()} == set(names)
    cutout, other = (np.asarray(Image.open(out / f"a{e}")) for e in (endings[0], endings[3]))
    assert cutout[20, [5, 55], 3].tolist() == [255, 0]
    assert other[20, [5, 55]].tolist() == [[250, 0, 0], [0, 0, 255]]
    data = json.loads((out / "coco.json").read_text())
    assert [i["file_name"] for i in data["images"]] == ["a.png", "b.jpg"]
    assert data["annotations"][0]["bbox"] == pytest.approx([0, 0, 30, 40], abs=2)
    assert main(["predict", images[0], "--out", str(out), "--background", images[1]]) == 0
    assert np.asarray(Image.open(out / "a_background.png"))[20, 55, 2] < 20


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--write", "mask,mesh"], "'mesh' is no kind of file; choose from mask, colours, overlay"),
        (["--background", "blue"], "blue is no picture that is there, and no colour"),
    ],
)
def test_what_predict_cannot_write_is_said_first(words, says, tmp_path, capsys):
    assert main(["predict", "a.png", "--out", str(tmp_path / "new"), *words]) == 2
    assert says in capsys.readouterr().err and not (tmp_path / "new").exists()


def test_without_a_shipped_model_one_must_be_named(shipped, tmp_path, capsys):
    assert main(["predict", "a.png", "--out", str(tmp_path)]) == 2
    assert "No model is shipped" in capsys.readouterr().err


def test_networks_and_runs_are_listed(channel_run, capsys):
    create_run(channel_run.config | {"title": "Mine"}, "mine")
    write_json(channel_run.path / "status.json", {"state": "done"})
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "network               parameters  what it is"
    compact = next(line for line in lines if line.startswith("compact "))
    assert compact == f"compact{'7,760,097':>25}  {CATALOGUE['compact'].title}"
    runs = lines[lines.index("") + 1 :]
    assert runs == [
        f"{'run':<32}state      mean IoU  title",
        f"{'channels':<32}done              –  Channels",
        f"{'mine':<32}created           –  Mine",
    ]


def test_a_bar_on_a_terminal_alone(capsys, monkeypatch):
    cli.show_progress(1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(cli.sys.stderr, "isatty", lambda: True)
    cli.show_progress(500, 2000)
    assert capsys.readouterr().err == f"\r[{'#' * 10}{' ' * 30}] 500/2,000"
    cli.show_progress(2000, 2000)
    assert capsys.readouterr().err == f"\r[{'#' * 40}] 2,000/2,000\n"
    cli.show_progress(0, 0)
    assert capsys.readouterr().err == f"\r[{' ' * 40}] 0/0\n"


def test_interrupted_by_the_keyboard(monkeypatch):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setitem(COMMANDS, "models", (interrupted, None))
    assert main(["models"]) == 130
