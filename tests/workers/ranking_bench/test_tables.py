"""A table is read as written, or refused with file, row, column and what to do."""

from pathlib import Path

import numpy as np
import pytest

from workers.tools.ranking_bench.refusal import TableError
from workers.tools.ranking_bench.tables import Table, read_table

ACCURACY = "model,u,v,w\nant,0.9,0.8,\nbee,0.7,NA,0.6\ncow,0.5,0.4,0.3\ndog,0.4,0.3,0.2\n"


def folder_of(path: Path, accuracy: str = ACCURACY, **files: str) -> Path:
    for name, text in {"accuracy": accuracy, **files}.items():
        (path / f"{name}.csv").write_text(text)
    return path


def refused(path: Path) -> TableError:
    with pytest.raises(TableError) as caught:
        read_table(path)
    assert caught.value.remedy
    return caught.value


def test_a_folder_gives_accuracies_scores_and_facts(tmp_path: Path) -> None:
    scores = "model,target,estimator,score\nant,u,LogME,1.5\nbee,v,LogME,-2\nant,u,LEEP,nan\n"
    models = "model,family,params_million\ncow,conv,3.5\nant,vit,86\n"

    table = read_table(folder_of(tmp_path, scores=scores, models=models))

    assert (table.models, table.targets) == (("ant", "bee", "cow", "dog"), ("u", "v", "w"))
    assert np.isnan(table.accuracies[[0, 1], [2, 1]]).all()
    assert table.accuracies[2].tolist() == [0.5, 0.4, 0.3]
    assert list(table.scores) == ["LogME", "LEEP"]
    assert table.scores["LogME"][1, 1] == -2
    assert list(table.facts) == ["params_million"]
    assert table.facts["params_million"][[0, 2]].tolist() == [86, 3.5]


def test_a_file_is_a_table_and_scores_may_lie_elsewhere(tmp_path: Path) -> None:
    folder_of(tmp_path, elsewhere="model,target,estimator,score\nant,u,kNN,3\n")

    table = read_table(tmp_path / "accuracy.csv", scores=tmp_path / "elsewhere.csv")

    assert isinstance(table, Table)
    assert table.scores["kNN"][0, 0] == 3
    assert not table.facts


@pytest.mark.parametrize(
    ("accuracy", "code", "words"),
    [
        ("", "table_empty", "accuracy.csv"),
        ("model,u,v\n", "table_empty", "accuracy.csv"),
        ("model,u,v\nant,1,2\nbee,1,x\n", "table_cell", "row 3, column 'v': 'x'"),
        ("model,u,v\nant,1,2\nbee,1,inf\n", "table_cell", "row 3, column 'v'"),
        ("model,u,v\nant,1,2\nbee,1\n", "table_row", "row 3"),
        ("model,u,v\nant,1,2\nant,1,3\n", "table_duplicate", "row 3: 'ant'"),
        ("model,u,u\nant,1,2\n", "table_duplicate", "column 3: 'u'"),
        ("model,u\nant,1\nbee,2\ncow,3\n", "table_small", "1 columns"),
        ("model,u,v\nant,1,2\nbee,2,3\n", "table_small", "2 models"),
        ("model,u,v\nant,1,\nbee,2,\ncow,3,\n", "table_small", "1 columns"),
    ],
)
def test_a_bad_accuracy_table_is_refused_by_its_place(
    accuracy: str, code: str, words: str, tmp_path: Path
) -> None:
    error = refused(folder_of(tmp_path, accuracy))

    assert error.code == code
    assert words in error.detail


@pytest.mark.parametrize(
    ("scores", "code", "words"),
    [
        ("model,target,score\nant,u,1\n", "table_header", "'estimator'"),
        (
            "model,target,estimator,score\nemu,u,LogME,1\n",
            "table_unknown_name",
            "row 2, column 'model': 'emu'",
        ),
        (
            "model,target,estimator,score\nant,z,LogME,1\n",
            "table_unknown_name",
            "column 'target': 'z'",
        ),
        (
            "model,target,estimator,score\nant,u,LogME,high\n",
            "table_cell",
            "row 2, column 'score'",
        ),
        ("model,target,estimator,score\nant,u,LogME\n", "table_row", "row 2"),
        ("model,target,estimator,score\nant,u,L,1\nant,u,L,2\n", "table_duplicate", "row 3"),
    ],
)
def test_bad_scores_are_refused_by_their_place(
    scores: str, code: str, words: str, tmp_path: Path
) -> None:
    error = refused(folder_of(tmp_path, scores=scores))

    assert error.code == code
    assert words in error.detail
    assert "scores.csv" in error.detail


def test_facts_about_an_unknown_model_are_refused(tmp_path: Path) -> None:
    error = refused(folder_of(tmp_path, models="model,params\nemu,3\n"))

    assert error.code == "table_unknown_name"
    assert "models.csv, row 2" in error.detail


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "table_missing"
    assert refused(tmp_path / "nothing.csv").code == "table_unreadable"
