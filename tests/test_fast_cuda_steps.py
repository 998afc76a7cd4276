"""The general CUDA engine's steps: what they allocate, copy, launch and undo."""

import fake_cupy
import numpy as np
import pytest
from test_fast_cuda_general import OPTIMIZERS, emulated, general_engine, maker, train
from tiny import carry, left_behind, settings, table, trainer, write_set

import gpunet
from gpunet.errors import DataError, Diverged
from gpunet.fast.cuda.general import stepper as general
from gpunet.training.callbacks import Callback
from gpunet.training.steppers import LoopStepper

assert general_engine  # a fixture that runs for every test here, too


class Watch(Callback):
    """Counts what happens inside spans, at their ends and at epochs' ends."""

    every_steps = 0

    def __init__(self, fake):
        self.fake, self.marks = fake, []

    def on_span(self, trainer):
        self.marks.append((trainer.step, self.fake.copies_to_host))


@emulated
@pytest.mark.parametrize("engine", ["loop", "compiled"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_nothing_comes_to_the_host_inside_a_span(monkeypatch, engine, optimizer):
    fake = fake_cupy.install(monkeypatch)
    watch, counted = Watch(fake), []
    stepper = LoopStepper if engine == "loop" else general.GeneralStepper
    true = stepper.run

    def run(self, *args):
        before = fake.copies_to_host
        done = true(self, *args)
        counted.append(fake.copies_to_host - before)
        return done

    monkeypatch.setattr(stepper, "run", run)
    net = maker(dropout=0.2)("cuda")
    gpunet.fit(
        net,
        table(480),
        epochs=2,
        batch_size=4,
        optimizer=OPTIMIZERS[optimizer](),
        schedule="cosine",
        engine=engine,
        callbacks=[watch],
    )
    assert counted and not any(counted)
    # At a span's end one table of flags, at an epoch's the three sums.
    spans, epochs = len(watch.marks), 2
    assert fake.copies_to_host <= spans + 3 * epochs + len(net.params)


@emulated
def test_a_step_allocates_nothing_and_launches_little(monkeypatch):
    fake = fake_cupy.install(monkeypatch)
    net = maker(sizes=(4, 8, 8, 3), dropout=0)("cuda")
    job = trainer(net, table(), epochs=1, batch_size=10, optimizer=gpunet.SGD(0.1))
    part = job.steppers[0]
    part.batches.start_epoch(0)
    part.batches.load_chunk(0, 4)
    part._updates.refresh()
    before, fake.launches[:] = fake.allocations, []
    part._step(0, 0, 1.0, False)
    assert fake.allocations == before
    # 3 forward products, 2 to the left, 3 to the weights; gather, 2 activations,
    # the loss and 3 pullbacks.
    assert fake.launches.count("gemm") == 8 and len(fake.launches) == 15
    assert job.engine.name == "cuda"


@emulated
def test_divergence_is_found_at_its_step_and_undone(monkeypatch):
    x, t = table()
    x[17, 0] = 1e30
    lines = {}
    for device in ("cpu", "cuda"):
        make = maker(sizes=(4, 6, 3), activation="relu")
        with pytest.raises(Diverged) as caught:
            train(monkeypatch, device, make, (x, t), optimizer=lambda: gpunet.SGD(1e9))
        lines[device] = str(caught.value)
    assert lines["cuda"] == lines["cpu"]
    assert "step" in lines["cpu"]


@emulated
def test_labels_out_of_range_never_reach_the_device(monkeypatch):
    fake = fake_cupy.install(monkeypatch)
    x, t = table()
    for wrong in (3, -1):
        t[5] = wrong
        net = maker()("cuda")
        fake.launches.clear()
        with pytest.raises(DataError, match=f"label.*{wrong}|{wrong}.*label"):
            gpunet.fit(net, (x, t), epochs=1)
        assert fake.launches == []


@emulated
@pytest.mark.parametrize(("first", "second"), [("cuda", "cpu"), ("cpu", "cuda")])
def test_checkpoint_of_one_device_opens_on_the_other(
    tmp_path, monkeypatch, first, second
):
    fake_cupy.install(monkeypatch)
    data, out = write_set(tmp_path / "data"), tmp_path / "run"
    carry(settings(data, device=first), out, max_steps=7)
    before = left_behind(out)[0]
    net, _, _, _ = carry(
        settings(data, device=second),
        out,
        resume="auto",
        max_steps=7,
        given={"device"},
    )
    assert net.backend.name.startswith(second)
    after = left_behind(out)[0]
    kept = [name for name in before if name.startswith("checkpoint ")]
    assert kept and all(np.array_equal(before[n], after[n]) for n in kept)
    carry(settings(data, device=second), out, resume="auto", given={"device"})
