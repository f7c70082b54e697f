"""Time and memory before a training starts."""

import pytest

from unet_core import estimate
from unet_core.config import TrainingConfig
from unet_core.runs import create_run

CONFIG = TrainingConfig(pictures=100, validation=0.1, epochs=5, size=128)


def test_an_earlier_run_of_the_same_kind_tells_the_speed():
    training = CONFIG.to_dict()
    run = create_run({"title": "earlier", "training": training, "classes": []}, "earlier")
    run.write_status(state="done", pictures_per_second=20.0)
    # 5 epochs of 90 pictures and 10 validation ones at less than half their cost
    learning = 5 * (90 + 0.4 * 10) / 20
    finishing = estimate.EXPORT + 200 * (estimate.LOADING + 0.04 / 4)
    assert estimate.seconds(CONFIG, 200, 0.04) == pytest.approx(
        estimate.START + learning + finishing
    )


def test_a_slower_machine_and_larger_pictures_take_longer(shipped):
    fast = estimate.seconds(CONFIG, 0, 0.02) - estimate.START - estimate.EXPORT
    slow = estimate.seconds(CONFIG, 0, 0.04) - estimate.START - estimate.EXPORT
    large = estimate.seconds(CONFIG.changed(size=256), 0, 0.02) - estimate.START - estimate.EXPORT
    assert slow == pytest.approx(2 * fast)
    assert large == pytest.approx(4 * fast)


def test_files_that_a_container_caches_do_not_count_as_memory_in_use(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 300\ninactive_file 500\n")
    group = (str(tmp_path), "memory.max", "memory.current", "inactive_file")
    monkeypatch.setattr(estimate, "GROUPS", [group])
    assert estimate.free_memory() == 600
    (tmp_path / "memory.max").write_text("max\n")
    assert estimate.free_memory() > 1e6  # the machine's own
