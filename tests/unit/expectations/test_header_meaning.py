"""Two columns of one sheet that mean the same: one of them is another thing, and nobody can tell which."""


def test_two_columns_with_one_meaning_are_named(frames, judge):
    headers = frames["headers"]
    headers.loc[2, ["variable_code", "scope"]] = headers.loc[1, ["variable_code", "scope"]].tolist()
    failed = judge(frames)
    row = failed["header_meaning_is_unique"]
    assert row.n_unexpected == 2
    assert headers.loc[1, "header_path"] in row.sentence
    assert headers.loc[2, "header_path"] in row.sentence


def test_the_same_meaning_in_another_sheet_or_scope_is_fine(frames, judge):
    again = frames["headers"].copy()
    frames["headers"].loc[2, ["variable_code", "scope"]] = [frames["headers"].loc[1, "variable_code"], "district"]
    assert "header_meaning_is_unique" not in judge(frames)
    frames["headers"] = again
    assert "header_meaning_is_unique" not in judge(frames)


def test_ignored_columns_may_repeat(frames, judge):
    frames["headers"].loc[[2, 3], "variable_code"] = "ignore"
    assert "header_meaning_is_unique" not in judge(frames)
