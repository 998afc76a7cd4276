"""The members of a population in the page: numbers of all, weights of some, a tab."""

import json
import warnings
from base64 import b64decode

import numpy as np
import pytest
from tiny import table

import gpunet
from gpunet.page import members, open_source, page_document
from gpunet.storage import RunFolder, load_network

RATES = [0.01, 0.03, 0.1, 0.3, 1.0, 1e30]  # the last one diverges


def splits():
    x, t = table(60)
    parts = [slice(0, 30), slice(30, 45), slice(45, 60)]
    data = [gpunet.Dataset(x[k].astype("float32"), t[k]) for k in parts]
    return gpunet.Splits(*data, 3, "tiny")


def trained(folder, rates, epochs=3, **how):
    nets = gpunet.mlp([4, 5, 3], population=len(rates))
    sgd = gpunet.SGD(learning_rate=rates)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of members that have not learned
        return gpunet.fit(
            nets, splits(), epochs=epochs, optimizer=sgd, folder=folder, **how
        )


def numbers(text, *shape):
    return np.frombuffer(b64decode(text), "<f4").reshape(shape)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "six"
    return folder, trained(folder, RATES)


def part_of(folder):
    return page_document(open_source(folder))["members"]


def test_members_have_the_numbers_of_the_history(run):
    folder, history = run
    part, rows = part_of(folder), history.members()
    assert part["n"] == 6 and part["metric"] == "val_accuracy" and part["better"] == 1
    columns, names = part["columns"], ["seed", "epoch", "loss", "val_accuracy", "state"]
    for name in names:
        assert columns[name] == [row[name] for row in rows]
    assert columns["learning_rate"] == RATES and part["settings"] == ["learning_rate"]
    result = json.loads((folder / "result.json").read_text())
    assert columns["test_accuracy"] == result["test_accuracy"]
    assert part["epochs"] == [1, 2, 3]
    assert list(part["curves"]) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    values = np.array(history["val_loss"], "float32").T
    curve = part["curves"]["val_loss"]
    assert np.array_equal(numbers(curve["values"], 6, 3), values, equal_nan=True)
    learning = values.T[:, np.isfinite(values).all(axis=1)]
    for name, q in (("low", 5), ("median", 50), ("high", 95)):
        expected = np.percentile(learning, q, axis=1)
        assert np.allclose(numbers(curve[name], 3), expected, rtol=1e-6)


def test_members_are_ranked_and_say_why_they_stopped(run):
    part, rows = part_of(run[0]), run[1].members()
    order = [row["member"] for row in rows.best_first()][:5]
    assert [part[name] for name in ("best", "median", "worst")] == [
        *(order[0], order[2], order[4]),
    ]
    assert list(part["stopped"]) == ["5"]
    assert part["stopped"]["5"].startswith("diverged at epoch 1, step")
    assert part["notes"][0].startswith("validation accuracy of 5 of 6 members: mean")


def test_members_carry_weights_as_far_as_the_size_allows(run, monkeypatch):
    part = part_of(run[0])
    best, rest = part["best"], {str(i) for i in range(5)} - {str(part["best"])}
    assert part["shown"] == best and part["networks"].keys() == rest
    assert part["left_out"] == ["the weights of 1 member"]
    monkeypatch.setattr(members, "MOST_WEIGHTS", 3 * (4 * 5 + 5 + 5 * 3 + 3) * 16 // 3)
    monkeypatch.setattr(members, "MOST_CURVES", 2 * 6 * 3 * 16 // 3)
    part = part_of(run[0])
    some = sorted({part["median"], part["worst"]})
    assert sorted(map(int, part["networks"])) == some
    assert "members" not in part["curves"]["accuracy"]
    assert part["curves"]["val_loss"]["members"] == sorted([best, *some])
    values = np.array(run[1]["val_loss"], "float32").T[sorted([best, *some])]
    assert np.array_equal(numbers(part["curves"]["val_loss"]["values"], 3, 3), values)
    assert part["left_out"] == [
        "the weights of 3 members",
        "the curves (val loss, val accuracy) of all members but 3",
    ]


def test_members_of_a_run_that_has_not_ended_are_shown(tmp_path):
    trained(tmp_path / "run", RATES)
    folder = RunFolder(tmp_path / "run")
    whole = part_of(folder.path)
    for path in (folder.result, folder.model):
        path.unlink()
    part = page_document(open_source(folder.best))["members"]
    assert part["stopped"] == whole["stopped"] and part["notes"] == whole["notes"]
    assert part["columns"]["state"] == whole["columns"]["state"]
    assert "test_accuracy" not in part["columns"]


def test_members_of_a_model_file_alone_are_shown(tmp_path):
    nets = gpunet.mlp([4, 3], population=3, seed=7)
    nets.save(tmp_path / "m.safetensors")
    part = part_of(tmp_path / "m.safetensors")
    assert part["columns"] == {"member": [0, 1, 2], "seed": [7, 8, 9]}
    assert (part["metric"], part["curves"], part["shown"]) == ("", {}, 0)
    assert part["networks"].keys() == {"1", "2"}


def test_members_tab_selects_one_of_a_thousand(tmp_path, open_page):
    rates = [*np.geomspace(0.01, 1, 998).tolist(), 1e30, 1e30]
    trained(tmp_path / "run", rates)
    document = page_document(open_source(tmp_path / "run"))
    part = document["members"]
    page = open_page(document, place="#members")
    text = page.locator("#panel-members")
    assert "998 of 1,000 members: mean" in text.inner_text()
    field = page.get_by_label("Member", exact=True)
    assert field.input_value() == str(part["best"])
    field.fill("17")
    field.press("Enter")
    assert page.url.endswith("#members=17")
    assert page.locator("#live").inner_text().startswith("Member 17: rank")
    strip = page.get_by_role("slider", name="Every member's validation accuracy")
    strip.focus()
    page.keyboard.press("Home")
    assert field.input_value() == str(part["worst"])
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    scores = part["columns"]["val_accuracy"]
    second = sorted(range(998), key=lambda i: -scores[i])[1]
    assert "rank 2 of 998" in strip.get_attribute("aria-valuetext")
    assert field.input_value() == str(second)
    page.get_by_role("button", name="validation loss").click()
    first = text.locator(".members tbody button").first
    losses = part["columns"]["val_loss"]
    assert first.inner_text() == str(losses.index(min(v for v in losses if v)))
    before = first.element_handle()
    page.get_by_role("button", name="Show all 1,000").click()
    assert before.evaluate("button => button.isConnected")  # rows are made once
    assert text.locator(".members tbody th").count() == 1000
    page.get_by_role("button", name="the 2 that diverged").click()
    assert text.locator("td", has_text="diverged at epoch 1").count() == 2 + 2


def test_choosing_a_member_changes_the_network_of_the_page(run, open_page):
    nets, part = load_network(run[0] / "model.safetensors"), part_of(run[0])
    page = open_page(
        page_document(open_source(run[0])), place=f"#members={part['worst']}"
    )
    row = [0.5, -1.0, 2.0, 0.25]
    for name in ("worst", "median", "best"):
        if name != "worst":  # which the address names
            page.get_by_role("button", name=name.title(), exact=True).click()
        answer = page.evaluate(f"page.network.predict({row})")
        expected = nets.member(part[name]).predict(np.array([row], "float32"))[0]
        assert np.allclose(answer, expected, atol=2e-6)
    told = page.locator("#chosen-member")
    assert told.inner_text().endswith("The other tabs show it.")
    page.get_by_role("button", name="Median", exact=True).click()
    measured = f"member {part['shown']}."
    assert told.inner_text().endswith(f"but the curves and mistakes of {measured}")
    page.get_by_role("tab", name="Curves").click()
    assert page.get_by_text(f"Of {measured}", exact=True).is_visible()
    page.get_by_role("tab", name="Members").click()
    page.get_by_label("Member", exact=True).fill("5")
    page.get_by_label("Member", exact=True).press("Enter")
    assert "weights are not in this page" in page.locator("#chosen-member").inner_text()


def test_what_is_not_shown_any_more_is_not_drawn_in_another_theme(run, open_page):
    page = open_page(page_document(open_source(run[0])), place="#members")
    for name in ("Worst", "Best", "Median"):
        page.get_by_role("button", name=name, exact=True).click()
    page.evaluate("page.update({members: page.document.members})")
    page.evaluate(
        "() => { globalThis.plots = 0; uPlot = class extends uPlot "
        "{ constructor(...all) { super(...all); plots++; } }; }"
    )
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate("plots === document.querySelectorAll('.uplot').length")
