"""What other programs make of a release: an older or newer DuckDB, R, Stata's format.

Set NQPF_OTHER_DUCKDB_PYTHON to a Python with another DuckDB. R needs `Rscript`, for Stata files its package haven.
"""

import json
import os
import shutil
import subprocess

import duckdb
import numpy as np
import pandas as pd
import pytest

from dagster_project.paths import PROJECT
from dagster_project.publish.questions.answer import ask
from dagster_project.publish.questions.catalogue import questions
from dagster_project.published import open_read_only

OTHER = os.environ.get("NQPF_OTHER_DUCKDB_PYTHON", "")
RSCRIPT = shutil.which("Rscript")
ASK = """
import json, sys, duckdb
file, queries = json.load(sys.stdin)
with duckdb.connect(file, read_only=True) as con:
    rows = {name: con.execute(sql).fetchall() for name, sql in queries.items()}
print(json.dumps([duckdb.__version__, rows], default=str))
"""
READ_CSV = """
args <- commandArgs(trailingOnly = TRUE)
d <- read.csv(args[1], fileEncoding = "UTF-8-BOM", encoding = "UTF-8", na.strings = "")
d <- d[order(d$index_code, d$city_id, d$year, method = "radix"), c("city_id", "name_zh", "year", "score_100")]
write.csv(format(d, digits = 17, trim = TRUE), args[2], row.names = FALSE, fileEncoding = "UTF-8")
"""
READ_STATA = """
args <- commandArgs(trailingOnly = TRUE)
d <- haven::read_dta(args[1])
labels <- vapply(d, function(x) { l <- attr(x, "label"); if (is.null(l)) "" else l }, "")
cat(jsonlite::toJSON(list(label = attr(d, "label"), labels = as.list(labels), n = nrow(d),
                          total = sum(d$score_nqpf, na.rm = TRUE)), auto_unbox = TRUE, digits = NA))
"""


def has_r_package(name):
    if RSCRIPT is None:
        return False
    asked = [RSCRIPT, "-e", f"quit(status = !requireNamespace('{name}', quietly = TRUE))"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def run_r(code, *arguments):
    done = subprocess.run(
        [str(RSCRIPT), "--vanilla", "-e", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not OTHER, reason="NQPF_OTHER_DUCKDB_PYTHON names no Python with another DuckDB")
def test_another_duckdb_answers_all_worked_queries_alike(small_warehouse):
    with open_read_only(small_warehouse.paths.published_file) as con:
        asked = [q for q in questions().values() if q.sql and not q.refuse]
        texts = {q.id: ask(con, small_warehouse.paths, q, q.examples).statement for q in asked}
    asked = json.dumps([str(small_warehouse.paths.published_file), texts])
    done = subprocess.run([OTHER, "-c", ASK], input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    version, theirs = json.loads(done.stdout)
    assert version != duckdb.__version__
    with duckdb.connect(str(small_warehouse.paths.published_file), read_only=True) as con:
        for name, sql in texts.items():
            ours = json.loads(json.dumps(con.execute(sql).fetchall(), default=str))
            assert len(theirs[name]) == len(ours), name
            pd.testing.assert_frame_equal(pd.DataFrame(theirs[name]), pd.DataFrame(ours), rtol=1e-12, obj=name)


@pytest.mark.skipif(RSCRIPT is None, reason="no Rscript on the path")
def test_r_reads_the_csv_of_a_release_with_its_chinese_names(small_warehouse, tmp_path):
    back = tmp_path / "back.csv"
    run_r(READ_CSV, small_warehouse.releases[-1] / "csv" / "city_ranking.csv.gz", back)
    found = pd.read_csv(back, float_precision="round_trip")
    mine = small_warehouse.published(
        "select city_id, name_zh, year, score_100 from mart.city_ranking order by index_code, city_id, year"
    )
    assert list(found["name_zh"]) == list(mine["name_zh"])
    np.testing.assert_array_equal(found["year"], mine["year"])
    np.testing.assert_allclose(found["score_100"], mine["score_100"], rtol=1e-15)


@pytest.mark.skipif(RSCRIPT is None, reason="no Rscript on the path")
def test_r_fits_the_headline_regression_again_from_the_csv_files(small_warehouse):
    script = (PROJECT / "docs" / "refit" / "refit.R").read_text("utf-8")
    rows = [line.split() for line in run_r(script, small_warehouse.releases[-1] / "csv").splitlines()]
    apart = {row[0]: float(row[3]) for row in rows if len(row) == 4 and row[0] != "refitted"}
    assert {"rho", "sigma2", "lnl"} < set(apart)
    assert max(map(abs, apart.values())) < 1e-6


@pytest.mark.skipif(not (has_r_package("haven") and has_r_package("jsonlite")), reason="R lacks haven or jsonlite")
def test_r_reads_the_stata_panel_with_its_labels(small_warehouse, tmp_path):
    out = tmp_path / "panel.dta"
    done = small_warehouse.run_reading("export", "--format", "stata", "--out", str(out))
    assert done.exit_code == 0, done.text
    said, mine = json.loads(run_r(READ_STATA, out)), pd.read_stata(out)
    assert said["n"] == len(mine)
    assert said["total"] == pytest.approx(mine["score_nqpf"].sum(), rel=1e-12)
    assert "SYNTHETIC" in said["label"]
    assert all(said["labels"][name] for name in ("city_id", "year", "score_nqpf"))
