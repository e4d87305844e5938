"""Figures: drawn where there is something to draw, and readable."""

from xml.etree import ElementTree

import numpy as np
import pytest
from runs import KIND, baseline, run

from harness import metrics
from harness.compare import curves, differences
from harness.errors import InputError
from harness.report.figure import draw


class TestFigures:
    def test_are_drawn_where_there_is_something_to_draw(self, tmp_path):
        epochs = tuple({"epoch": e, "loss": 1 / e, "dev_loss": 1 / e, "dev_macro_f1": 0.5} for e in (1.0, 2.0))
        runs = [
            run("zero", shots=0, selector=None, order=None),
            run("five", draw=3),
            baseline(n_train=20, train_size="20", history=epochs),
            baseline(n_train=100, train_size="100", draw=9),
        ]
        paths = draw(differences.compare(runs), tmp_path / "figures")
        names = {"confusion", "cost", "reliability", "training", "curve-shots", "curve-train"}
        assert {path.name for path in paths} == {f"news_task-{n}.{kind}" for n in names for kind in ("png", "svg")}
        for path in paths:
            if path.suffix == ".png":
                assert path.read_bytes().startswith(b"\x89PNG")
            else:
                assert ElementTree.parse(path).getroot().tag.endswith("svg")
        before = {path: path.read_bytes() for path in paths}
        assert {path: path.read_bytes() for path in draw(differences.compare(runs), tmp_path / "figures")} == before

    def test_say_what_is_on_their_axes(self, tmp_path, table):
        paths = {path.name: path.read_text() for path in draw(table, tmp_path) if path.suffix == ".svg"}
        confusion, reliability = (paths[f"news_task-{name}.svg"] for name in ("confusion", "reliability"))
        for text in ("answer", "label", "good", "so_so", "svm, 300 train"):
            assert f"<!-- {text} -->" in confusion
        assert "<!-- stated probability (360 answers) -->" in reliability
        error = metrics.create("ece", KIND)
        each = [error.score(differences.statistics(run, error).sum(0))[0] for run in table.rows[0].runs]
        assert f"<!-- accuracy, ECE {np.mean(each):.3f} -->" in reliability

    def test_a_line_has_one_point_a_size(self):
        """Rows that differ by order, mode or the model's path are lines of their own; zero shots begin each."""
        from harness.report.figures import curves as learning

        def drawn(comparison):
            (axes,) = learning.draw(comparison, curves.prompts(comparison)).axes
            return axes

        two = differences.compare(
            [run(shots=0, selector=None, order=None), *(run(order=each, draw=4) for each in ("ascending", "random"))]
        )
        axes = drawn(two)
        assert [list(line.get_xdata()) for line in axes.lines] == [[0, 5], [0, 5]]
        assert [line.get_label() for line in axes.lines] == [
            "some_model, plain, balanced, order ascending",
            "some_model, plain, balanced, order random",
        ]
        lone = differences.compare([run(shots=0, selector=None, order=None), run(draw=4), baseline()])
        axes = drawn(lone)
        assert axes.lines[-1].get_label() == "reference: svm, 300 train"
        versions = [run(f"{v}{k}", shots=k, draw=k, model=f"{v}/model") for v in ("v1", "v2") for k in (0, 5)]
        axes = drawn(differences.compare(versions))
        assert [list(line.get_xdata()) for line in axes.lines] == [[0, 5], [0, 5]]

    def test_no_two_lines_look_alike(self):
        from harness.report.figures.drawing import look

        assert len({tuple(look(place).items()) for place in range(49)}) == 49

    def test_are_drawn_for_many_labels_and_leave_matplotlib_as_it_was(self, tmp_path, monkeypatch):
        import matplotlib

        monkeypatch.setattr("harness.report.figures.confusion.NAMED", 2)
        before = dict(matplotlib.rcParams)
        paths = draw(differences.compare([run(unparsed=120), run(unparsed=120, seed=1), baseline()]), tmp_path)
        assert dict(matplotlib.rcParams) == before
        (confusion,) = (path.read_text() for path in paths if path.name == "news_task-confusion.svg")
        assert "<!-- good -->" in confusion
        assert "<!-- bad -->" not in confusion

    def test_one_point_is_no_curve(self, tmp_path):
        paths = draw(differences.compare([run(stated=False), baseline(stated=False)]), tmp_path)
        assert {path.stem for path in paths} == {"news_task-confusion", "news_task-cost"}

    def test_a_folder_that_cannot_be(self, tmp_path, table):
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match="cannot be written"):
            draw(table, tmp_path / "file")
