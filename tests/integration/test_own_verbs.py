"""The specification of what is published gives just that: own index and own regression of a reader."""

import numpy as np

from dagster_project.publish.own import open_reader, own_index, own_model


def test_the_indicators_of_the_headline_give_its_published_scores(small_warehouse):
    with open_reader(small_warehouse.paths.published_file) as reader:
        sql = "select indicator_code from mart.dim_indicator where index_code = $index"
        own = own_index(reader, {"indicators": [row["indicator_code"] for row in reader.rows(sql)]})
    assert len(own.scores) == own.scores["published_score"].notna().sum() > 0
    np.testing.assert_allclose(own.scores["score_100"], own.scores["published_score"], rtol=0, atol=1e-9)
    assert (own.scores["rank_year"] == own.scores["published_rank"]).all()


def test_the_headline_regression_comes_out_again_also_where_its_w_is_built_anew(small_warehouse):
    with open_reader(small_warehouse.paths.published_file) as reader:
        for spec in ({"name": "again"}, {"name": "anew", "w": reader.scope.w}):
            both = own_model(reader, spec).estimates.dropna(subset=["published"])
            assert {"coefficient", "direct", "indirect", "total"} == set(both["kind"])
            np.testing.assert_allclose(both["estimate"], both["published"], rtol=1e-6, atol=1e-6)
