"""First years as a pilot, from the printed column to the run that looks at them."""

import pandas as pd

PRINTED = {"低碳城市试点起始年": "pilot_low_carbon", "智慧城市试点起始年": "pilot_smart_city"}


def test_every_printed_start_is_read_once_a_city_and_never_as_a_figure(small_warehouse):
    file = pd.read_csv(small_warehouse.paths.landing / "society" / "synthetic_society.csv")
    read = small_warehouse.build(
        "select c.name_zh, p.policy_code, p.start_year from int.int_pilots_accepted as p"
        " join seed.city as c on p.city_id = c.city_id"
    ).set_index(["policy_code", "name_zh"])["start_year"]
    city = file.columns[0]
    for column, policy in PRINTED.items():
        printed = file.groupby(city)[column].agg(["min", "max"])
        assert (printed["min"] == printed["max"]).all()
        own = read[policy].fillna(0).astype(int)
        assert own.to_dict() == printed["max"].to_dict()
    figures = small_warehouse.build(
        "select count(*) as n from int.int_values_accepted where variable_code like 'pilot_%'"
    )
    assert figures["n"].item() == 0


def test_each_policy_is_done_or_says_why_not(small_warehouse):
    runs = small_warehouse.published(
        "select variant, status, skip_reason from mart.mart_influence_run where analysis = 'pilots'"
        " and model_id = 'nqpf_sdm'"
    )
    assert sorted(runs["variant"]) == sorted(PRINTED.values())
    assert ((runs["status"] == "done") == (runs["skip_reason"] == "")).all()
