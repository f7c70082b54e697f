"""Whatever the files of the store hold: no page fails, and the healthy runs are shown."""

import copy
import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from PIL import Image
from streamlit.testing.v1 import AppTest
from test_uploads import pairs

from pages.curves import tables
from unet_core.data import uploads
from unet_core.data.synthetic import SyntheticPets
from unet_core.errors import UserError
from unet_core.figures.curves import compared_curves, learning_curves, metrics_of
from unet_core.jobs import downloads, estimate, evaluations, housekeeping, protocol
from unet_core.jobs import trainings as jobs
from unet_core.metrics.compare import skip_pairs
from unet_core.metrics.evaluate import evaluate
from unet_core.prediction.feature_maps import FeatureMaps
from unet_core.prediction.segmenter import Segmenter
from unet_core.store import environment, runs
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, write_json

STATUS = {
    "state": "running",
    "phase": "Training",
    "message": "",
    "pid": 2**22 + 1,
    "heartbeat": 0.0,
    "process": {"pid": 2**22 + 1, "host": "elsewhere", "boot": "1", "born": 1.0},
    "queued": 1.0,
    "started": "2026-01-01T00:00:00+00:00",
    "epoch": 1,
    "epochs": 2,
    "step": 3,
    "steps": 8,
    "images_per_second": 9.5,
    "seconds_left": 12,
    "oom_kills": 0,
}
HISTORY = (
    "epoch,accuracy,learning_rate,loss,mean_iou,seconds,val_accuracy,val_loss,val_mean_iou\n"
    "0,0.8,0.001,1.0,0.5,9,0.75,1.1,0.45\n1,0.8,0.001,0.9,0.6,18,0.8,1.0,0.5\n"
)
STEPS = "step,epoch,loss,seconds\n1,1,1.5,1.0\n2,1,1.2,2.0\n"
RUN_FILES = (
    "config.json",
    "status.json",
    "label.json",
    "history.csv",
    "steps.csv",
    "evaluation.json",
    "model.onnx",
)
JSON_FILES = [name for name in RUN_FILES if name.endswith("json")] + [
    "progress.json",
    "job-evaluation.json",
    "set.json",
    "download.json",
    "download-progress.json",
]
MISSING = object()
DEEP = json.loads("[" * 150 + "]" * 150)
ODD = (
    None,
    -1,
    0,
    1,
    0.5,
    True,
    "x",
    "",
    "\0",
    "\ud800",
    "../../etc",
    "x" * 100_000,
    [],
    [[]],
    {},
    {"a": {}},
    DEEP,
    float("nan"),
    float("inf"),
    10**30,
    10**400,
    ["pid"],
)


def deep(depth: int) -> bytes:
    return b'{"training": ' * depth + b"1" + b"}" * depth


CONTENTS = {
    "empty": b"",
    "nulls": bytes(1000),
    "binary": bytes(random.Random(0).randbytes(1000)),
    "not utf-8": '{"title": "é"}'.encode("latin-1"),
    "utf-16": '{"title": "a"}'.encode("utf-16"),
    "a list": b"[1, 2]",
    "a number": b"3",
    "a text": b'"text"',
    "true": b"true",
    "null": b"null",
    "not a number": b"NaN",
    "an empty dictionary": b"{}",
    "deep": deep(500),
    "deeper than any stack": deep(200_000),
    "a number of many digits": b'{"pid": ' + b"9" * 10_000 + b"}",
    "a long row": b"epoch,loss\n" + b"1," * 100_000 + b"\n",
    "a long cell": b"epoch,loss\n1,2" + b"x" * 200_000 + b"\n",
    "odd rows": b"epoch,step,val_,loss\nnan,inf,1,1\n-5,x,,\n1e300,1e300,1,1,7,8\n0,1,\0,2\n\n,\n",
    "no header": b"1,2\n",
}


class Store:
    """A healthy run, one to be broken, a job, an upload and a download, all with good files."""

    def __init__(self, folder: Path, model: Path):
        self.names = ["healthy"]
        training = TrainingConfig(image_size=32, epochs=2, data="synthetic").to_dict()
        classes = [{"name": c.name, "color": c.color} for c in SyntheticPets.classes]
        self.config = {
            "title": "Healthy",
            "description": "Fine.",
            "training": training,
            "classes": classes,
            "data_title": "Drawn",
            "data_credit": "Drawn",
            "parameters": 3,
            "rank": 1,
            "starting_weights": {"origin": "nowhere", "licence": "MIT"},
        }
        self.model = model
        self.healthy = runs.create_run(self.config, "healthy")
        names = SyntheticPets().splits["test"][:2]
        shutil.copy(model, self.healthy.path / "model.onnx")
        result = evaluate(self.healthy, SyntheticPets(), "test", names)
        write_json(self.healthy.path / "evaluation.json", result)
        (self.healthy.path / "samples").mkdir()
        Image.new("RGB", (40, 24)).save(self.healthy.path / "samples" / "epoch-001.png")
        for name, text in (("history.csv", HISTORY), ("steps.csv", STEPS)):
            (self.healthy.path / name).write_text(text)
        write_json(self.healthy.path / "label.json", {"title": "The healthy one"})
        write_json(self.healthy.path / "status.json", STATUS | {"state": "done"})
        (self.healthy.path / "pinned").touch()
        job = evaluations.new_job(self.healthy, "synthetic", "trainval", 2)
        write_json(job.path / "evaluation.json", result | {"split": "trainval"})
        self.upload = uploads.keep_upload(pairs(), 1e6)
        self.target = folder / "pets"
        self.target.mkdir(parents=True)

    def add(self, name: str) -> Run:
        """A copy of the healthy run that seems to be at work, with a job of its own."""
        run = Run(environment.runs_folder() / name)
        shutil.copytree(self.healthy.path, run.path)
        write_json(run.path / "label.json", {"title": name})
        write_json(run.path / "status.json", STATUS)
        return run

    def path(self, run: Run, file: str) -> Path:
        """Where a file of one of the kinds lies; a good one is put there."""
        if file in RUN_FILES:
            return run.path / file
        if file == "set.json":
            folder = self.upload.folder.parent / run.name
            shutil.copytree(self.upload.folder, folder, dirs_exist_ok=True)
            return folder / file
        if file.startswith("download"):
            write_json(self.target / "download.json", {"images": None, "address": ""})
            state = {"pid": 2**22 + 1, "what": "images", "done": 1, "total": 2, "error": ""}
            write_json(self.target / "progress.json", state)
            return self.target / file.removeprefix("download-")
        job = evaluations.new_job(run, "synthetic", "test", 2)
        shutil.copy(self.healthy.path / "evaluation.json", job.path)
        return job.path / file.removeprefix("job-")


@pytest.fixture
def store(tmp_path, monkeypatch, channel_run) -> Store:
    monkeypatch.setenv("UNET_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(jobs, "_launch", lambda run: None)
    return Store(tmp_path / "data", channel_run.path / "model.onnx")


def look_at_everything(store: Store) -> None:
    """What the pages read and draw; the healthy run is there and says what it says."""
    every = runs.all_runs()
    assert [run.name for run in every][:1] == ["channels"]
    assert set(store.names) <= {run.name for run in every}
    jobs.advance()
    jobs.waiting()
    for run in every + runs.damaged_runs():
        look_at(run)
        if run.is_damaged:
            with pytest.raises(UserError):
                _ = run.config
            continue
        json.dumps([tables.run_row(run), tables.differences([run, store.healthy])])
        json.dumps(evaluations.results(run))
    tables.as_csv(every)
    metrics_of(every)
    skip_pairs(every)
    estimate._earlier_runs()
    evaluations.at_work()
    assert all(json.dumps(job.status) for job in evaluations.jobs())
    assert store.upload.name in [upload.name for upload in uploads.uploads()]
    json.dumps(downloads.download_progress(store.target))
    assert store.healthy.status["state"] == "done" and len(store.healthy.history) == 2
    assert len(evaluations.results(store.healthy)) == 2


def look_at(run: Run) -> None:
    shown = [run.title, run.id, run.status, run.history, run.steps, protocol.failure(run)]
    assert "\ud800" not in json.dumps(shown, ensure_ascii=False)
    assert run.status["state"] in (
        "created",
        "queued",
        "running",
        "stopping",
        "stopped",
        "failed",
        "done",
    )
    assert isinstance(run.is_pinned, bool) and isinstance(run.can_predict, bool)


def place(path: Path, kind: str) -> None:
    """Put something at ``path`` that is no plain file."""
    path.unlink(missing_ok=True)
    if kind == "a folder":
        path.mkdir()
    elif kind == "a symlink loop":
        path.symlink_to(path)
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "an endless device":
        path.symlink_to("/dev/zero")
    elif kind == "huge":
        with open(path, "wb") as file:
            file.truncate(10**11)


KINDS = ("missing", "a folder", "a symlink loop", "a pipe", "an endless device", "huge")


@pytest.mark.parametrize("file", [*RUN_FILES, *JSON_FILES[4:]])
def test_a_file_that_holds_anything(store, file):
    run = store.add("broken")
    path = store.path(run, file)
    good = path.read_bytes()
    contents = CONTENTS | {"cut": good[: len(good) // 2], "twice": good * 2}
    for kind, content in contents.items():
        path.write_bytes(content)
        check(store, file, kind)
    for kind in KINDS:
        place(path, kind)
        check(store, file, kind)
        if kind == "a folder":
            path.rmdir()
    for kind in ("odd rows", "binary", "a long row", "null"):
        path.write_bytes(contents[kind])
        if not run.is_damaged:
            draw(Run(run.path))


def draw(run: Run) -> None:
    """The figures, which take as long as all the rest."""
    learning_curves(run, "loss").to_json()
    for metric in metrics_of([run])[:2]:
        compared_curves([run], metric, True, 0.5, False).to_json()


def check(store: Store, *variant) -> None:
    try:
        look_at_everything(store)
    except Exception as error:
        raise AssertionError(f"{variant}") from error


def keys_of(value, before: tuple = ()) -> list[tuple]:
    """The way to each value inside; of lists the first item."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1])
    return [
        way
        for key, inner in inside
        for way in [
            (*before, key),
            *(keys_of(inner, (*before, key)) if isinstance(inner, dict | list) else []),
        ]
    ]


def changed(good: dict, way: tuple, value: object) -> dict:
    """A copy with another value, or none, at that place."""
    whole = copy.deepcopy(good)
    inner = whole
    for key in way[:-1]:
        inner = inner[key]
    if value is MISSING:
        del inner[way[-1]]
    else:
        inner[way[-1]] = value
    return whole


@pytest.mark.parametrize("file", JSON_FILES)
def test_a_value_of_any_kind_at_any_place(store, file):
    """Of all places and odd values, those that a fixed seed draws; also values that are missing."""
    path = store.path(store.add("broken"), file)
    good = json.loads(path.read_bytes())
    variants = [(way, odd) for way in keys_of(good) for odd in (*ODD, MISSING, MISSING)]
    random.Random(1).shuffle(variants)
    for way, odd in variants[:40]:
        path.write_text(json.dumps(changed(good, way, odd)))
        check(store, file, way, str(odd)[:20])


@pytest.mark.parametrize(
    ("way", "odd"),
    [
        (("confusion",), [[1, 2], [3, 4]]),
        (("confusion", 0), [1, 2]),
        (("confusion", 0, 0), 0.5),
        (("per_image", 0, "confusion", 0, 0), float("nan")),
        (("per_image", 1, "confusion"), [[1]]),
        (("per_image", 0, "name"), 3),
        (("per_image", 0), None),
        (("reliability", 0), [1, 2]),
        (("per_class", "iou"), [0.5]),
        (("per_class", "support", 0), 10**30),
        (("classes",), ["pet", "background"]),
    ],
)
def test_a_result_whose_tables_do_not_fit_each_other_is_none(store, way, odd):
    good = store.healthy.evaluation
    write_json(store.healthy.path / "evaluation.json", changed(good, way, odd))
    assert good and store.healthy.evaluation is None


def models(good: Path) -> dict[str, bytes]:
    """Files that are no model of the run, or one that fails when it is used."""
    model = onnx.load(good)
    sizeless, other, crashing = (copy.deepcopy(model) for _ in range(3))
    for end in (*sizeless.graph.input, *sizeless.graph.output):
        for dimension in end.type.tensor_type.shape.dim:
            dimension.dim_param = "n"
    del other.graph.output[0].type.tensor_type.shape.dim[3:]
    floats = crashing.graph.initializer[0].data_type
    wrong = helper.make_tensor("tenth", floats, [7], np.ones(7, np.float32))
    crashing.graph.initializer[0].CopyFrom(wrong)
    return {
        "sizeless": sizeless.SerializeToString(),
        "flat": other.SerializeToString(),
        "crashing": crashing.SerializeToString(),
        "cut": good.read_bytes()[:200],
    }


def test_a_model_that_is_none_gets_a_sentence(store):
    run = store.add("broken")
    image = np.zeros((32, 32, 3), np.uint8)
    for kind, content in (CONTENTS | models(store.model)).items():
        (run.path / "model.onnx").write_bytes(content)
        for look in (lambda: Segmenter(run).probabilities(image), lambda: FeatureMaps(run)):
            with pytest.raises(UserError):
                look()
                pytest.fail(kind)


def test_a_run_may_vanish_between_two_reads(store):
    """Every reader is in the middle of its work when somebody removes the folder."""
    run = store.add("vanishing")
    store.path(run, "progress.json")
    every, tasks = runs.all_runs(), evaluations.jobs()
    assert run.title == "vanishing" and not run.is_damaged
    shutil.rmtree(run.path)
    shutil.rmtree(runs.evaluations_folder() / run.id)
    for gone in every:
        look_at(gone)
        evaluations.results(gone)
    for task in tasks:
        assert task.status["state"] in ("done", "failed")
        evaluations.stop(task)
    learning_curves(run, "loss")
    tables.run_row(run)
    assert housekeeping.archive(run)
    with pytest.raises(UserError):
        Segmenter(run)
    housekeeping.delete(run)
    look_at_everything(store)


def test_folders_without_their_files_disturb_nobody(store):
    for name in ("empty", "notes", "Upper", ".hidden"):
        (environment.runs_folder() / name).mkdir()
    (environment.runs_folder() / "loop").symlink_to("loop")
    (environment.runs_folder() / "file").write_text("")
    (runs.evaluations_folder() / store.healthy.id / "empty").mkdir()
    (runs.evaluations_folder() / "file").write_text("")
    (store.upload.folder.parent / "empty").mkdir()
    (environment.runs_folder() / "half").mkdir()
    (environment.runs_folder() / "half" / "status.json").write_text("{}")
    look_at_everything(store)
    assert [run.name for run in runs.damaged_runs()] == ["half"]


@pytest.fixture
def many(store) -> Store:
    """A store with a run for each of some twenty damages, all at once."""
    draw = random.Random(2)
    for number, file in enumerate(RUN_FILES * 2):
        path = store.path(store.add(f"broken-{number}"), file)
        if number % 2 or not file.endswith("json"):
            path.write_bytes(draw.choice(list(CONTENTS.values())))
        else:
            good = json.loads(path.read_bytes())
            odd = changed(good, draw.choice(keys_of(good)), draw.choice(ODD))
            path.write_text(json.dumps(odd))
    place(store.add("loop").path / "config.json", "a symlink loop")
    place(store.add("pipe").path / "status.json", "a pipe")
    for kind, content in models(store.model).items():
        (store.add(f"model-{kind}").path / "model.onnx").write_bytes(content)
    place(store.add("strips").path / "samples" / "epoch-001.png", "a folder")
    for file in ("progress.json", "set.json", "download-progress.json", "download.json"):
        store.path(store.add(f"with-{file[:-5]}"), file).write_bytes(b'[{"pid": -1}]')
    return store


def open_page(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(Path(__file__).parent.parent / "streamlit_app.py", default_timeout=60)
    app.run().query_params.update(query)
    app.switch_page(f"pages/{name}/page.py").run()
    assert not app.exception, (name, query, app.exception[0].message)
    return app


def choose(app: AppTest, key: str, option: str) -> None:
    app.selectbox(key=key).set_value(option).run()
    assert not app.exception, (key, option, app.exception[0].message, app.exception[0].stack_trace)


def test_train_shows_every_run_and_deletes_the_damaged(many):
    app = open_page("train")
    names = [run.name for run in runs.user_runs()]
    assert len(names) > 15 and "The healthy one" in app.selectbox(key="run-box").options
    for name in names[::3]:
        choose(app, "run-box", name)
    damaged = [run.name for run in runs.damaged_runs()]
    assert len(damaged) >= 2
    for name in damaged:
        assert any(name in warning.value for warning in app.warning)
        app.button(key=f"delete-{name}").click().run()
        app.button(key=f"sure-{name}").click().run()
        assert not app.exception
    assert runs.damaged_runs() == []


def test_curves_draws_all_of_them(many):
    app = open_page("curves")
    for metric in ("loss", "mean_iou"):
        app.multiselect[0].set_value([run.name for run in runs.all_runs() if run.history])
        app.segmented_control(key="metric").set_value(metric).run()
        assert not app.exception
    assert "The healthy one" in app.dataframe[0].value["run"].tolist()


def test_evaluate_offers_all_that_have_a_result(many):
    app = open_page("evaluate")
    assert "The healthy one" in app.selectbox(key="judged-box").options
    for name in ("broken-5", "broken-12", "broken-13", "model-cut", "model-crashing", "healthy"):
        choose(app, "judged-box", name)
    for view in ("Confidence", "Compare", "Other data"):
        app.segmented_control(key="look").set_value(view).run()
        assert not app.exception


def test_segment_and_feature_maps_work_with_those_that_can(many):
    app = open_page("segment")
    assert "The healthy one" in app.selectbox(key="model-box").options
    for name in ("model-flat", "model-crashing", "broken-6", "broken-13"):
        choose(app, "model-box", name)
        assert app.error and not app.image
    choose(app, "model-box", "healthy")
    assert app.image
    app = open_page("architectures", show="Feature maps")
    for name in ("model-sizeless", "broken-6"):
        choose(app, "model-box", name)
        assert app.error
    open_page("architectures", show="Skip connections")
