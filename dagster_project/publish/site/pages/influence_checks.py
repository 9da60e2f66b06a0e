"""Sections behind the findings: lags by block, borders and relations, placebo years, GMM, and the planted truth."""

from __future__ import annotations

import duckdb

from dagster_project.publish.site import codes, words
from dagster_project.publish.site.charts import Row
from dagster_project.publish.site.pages import equality
from dagster_project.publish.site.pages.base import Meta, Section, Table, has_rows, rows, rows_shown

SIDES = {"c": "centre", "p": "periphery"}


def _ends(r: Row, digits: int = 3) -> str:
    return words.between(r["lo"], r["hi"], digits)


def block_lags(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    """Level 2 of the blocks: a spatial lag of y for each, where the data tell them apart."""
    found = rows_shown(con, meta, "mart_block_lag", "scheme, receiver, emitter")
    if not found:
        return None
    text = []
    for scheme in dict.fromkeys(r["scheme"] for r in found):
        own = [r for r in found if r["scheme"] == scheme]
        r = own[0]
        differ = "differ" if r["p_lr"] is not None and r["p_lr"] < equality.LEVEL else "are not told apart"
        text.append(
            f"{codes.sentence(codes.scheme(scheme))}: on the index as it is the spatial lags of {len(own)} blocks "
            f"{differ} (likelihood ratio p {words.p_value(r['p_lr'])}, Wald p {words.p_value(r['p_equal'])}); "
            f"condition number {words.number(r['condition'])}."
        )
    body = [
        (
            codes.scheme(r["scheme"]),
            f"{SIDES[r['emitter']]} → {SIDES[r['receiver']]}",
            words.number(r["rho_block"], 3),
            _ends(r),
            words.number(r["theta_block"], 3),
            words.p_value(r["p_equal"]),
            words.number(r["n_obs"]),
        )
        for r in found
    ]
    heads = ["Scheme", "mid:From → to", "rho of the block", "95 % interval", "theta", "p, equal", "n"]
    table = Table.of("block-lags", "Spatial lags of y by block", heads, body, n_text=2)
    note = (
        "Blocks whose lags the data do not tell apart are not shown, see the list of runs. No level-adjusted version: "
        "a difference here may be one of level alone."
    )
    return Section("blocklags", "Spatial lags by block", "分块空间滞后", tuple(text), (), (table,), note)


def moderated_border(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    """Is the border lower where production relations of the receiving city were better?"""
    found = rows_shown(con, meta, "mart_barrier_moderation", "barrier_code, moderator, at_percentile")
    if not found:
        return None
    r = found[0]
    moves = r["p_moderation"] is not None and r["p_moderation"] < equality.LEVEL
    told = "changes with" if moves else "is not told to change with"
    text = (
        f"{r['barrier_code'].capitalize()} border: the difference between inside and across {told} "
        f"{r['moderator'].replace('_', ' ')} of the receiving city (p {words.p_value(r['p_moderation'])}, on the index "
        "as it is).",
    )
    body = [
        (
            r["at_percentile"].replace("-", " − "),
            words.number(r["at_value"], 2),
            words.number(r["theta_in"], 3),
            words.number(r["se_in"], 3),
            words.number(r["theta_out"], 3),
            words.number(r["se_out"], 3),
            words.number(r["barrier_index"], 2),
            _ends(r, 2),
            words.number(r["n_obs"]),
        )
        for r in found
    ]
    heads = ["Percentile", "Value", "Inside", "se", "Across", "se", "Barrier index", "95 %, draws", "n"]
    table = Table.of("moderated-border", "Border and production relations", heads, body)
    note = "Empty where inside is not told from 0. A city is fixed to its value of the first year."
    return Section("moderated", "Borders and production relations", "生产关系与边界壁垒", text, (), (table,), note)


def placebo_years(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    """The years of x shuffled: what is left is no effect of x."""
    found = rows_shown(con, meta, "mart_robustness_placebo_years", "term")
    if not found:
        return None
    text = tuple(
        f"{r['term'].capitalize()}: the true years give {words.number(r['actual'], 3)}; {words.number(r['n_draws'])} "
        f"shufflings give a middle 95 % of {_ends(r)}, which {'holds' if r['covers_zero'] else 'does not hold'} 0 "
        f"(p {words.p_value(r['p'])})."
        for r in found
    )
    body = [
        (
            r["term"],
            words.number(r["actual"], 4),
            words.number(r["mean_draws"], 4),
            _ends(r, 4),
            words.p_value(r["p"]),
            words.number(r["n_draws"]),
            words.number(r["n_refused"]),
        )
        for r in found
    ]
    heads = ["Term", "True years", "Mean of the draws", "95 % of the draws", "p", "Draws", "Without estimate"]
    table = Table.of("placebo-years", "True years against shuffled years", heads, body)
    return Section("placeboyears", "Placebo years", "安慰剂年份", text, (), (table,))


def gmm(con: duckdb.DuckDBPyConnection) -> Section | None:
    """What the dynamic models by GMM say of themselves."""
    if not has_rows(con, "mart_gmm_diagnostic"):
        return None
    found = rows(con, "select * from mart.mart_gmm_diagnostic order by model_id, kind")
    body = [
        (
            r["model_id"],
            r["kind"],
            words.number(r["n_instruments"]),
            words.number(r["n_city"]),
            words.number(r["hansen_j"], 2),
            words.p_value(r["hansen_p"]),
            words.p_value(r["ar1_p"]),
            words.p_value(r["ar2_p"]),
            words.number(r["tau"], 3),
            words.number(r["tau_se"], 3),
            words.number(r["rho"], 3),
            words.number(r["rho_se"], 3),
            words.number(r["spectral_radius"], 3),
            words.number(r["n_obs"]),
        )
        for r in found
    ]
    heads = [
        "Model",
        "Kind",
        "Instruments, n",
        "Cities",
        "Hansen J",
        "Hansen p",
        "AR(1) p",
        "AR(2) p",
        "tau",
        "se",
        "rho",
        "se",
        "Spectral radius",
        "n",
    ]
    table = Table.of("gmm", "Dynamic models by GMM: instruments and tests", heads, body, n_text=2)
    note = (
        "AR(1) is expected in differences; AR(2) below 0.05 or Hansen below 0.05 speak against the instruments. Many "
        "instruments for few cities make Hansen's test weak."
    )
    return Section("gmm", "Dynamic models by GMM", "动态 GMM 诊断", tuple(map(_gmm_said, found)), (), (table,), note)


def _gmm_said(r: Row) -> str:
    against = [
        name
        for name, p in (("Hansen's test", r["hansen_p"]), ("AR(2)", r["ar2_p"]))
        if p is not None and p < equality.LEVEL
    ]
    verdict = (
        f"{' and '.join(against)} {'speak' if len(against) > 1 else 'speaks'} against it"
        if against
        else ("neither Hansen's test nor AR(2) speaks against it")
    )
    return (
        f"{r['model_id']} ({r['kind']}): {words.count(r['n_instruments'], 'instrument')} for "
        f"{words.cities(r['n_city'])}; {verdict} (p {words.p_value(r['hansen_p'])} and {words.p_value(r['ar2_p'])})."
    )


def recovery(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    """SYNTHETIC only: what was planted beside what is found."""
    found = rows_shown(con, meta, "mart_truth_recovery", "quantity")
    if not found:
        return None
    known = [r for r in found if r["covers_truth"] is not None]
    covered = sum(bool(r["covers_truth"]) for r in known)
    text = (
        f"The truth lies in {words.number(covered)} of {words.count(len(known), 'interval')} whose truth is a number "
        "of its own. On latent: the same model on what the country was drawn with; an index measures it with error, "
        "which pulls slopes to 0.",
    )
    body = [
        (
            r["quantity"].replace("_", " "),
            words.number(r["truth"], 3),
            words.number(r["on_latent"], 3),
            words.number(r["published"], 3),
            _ends(r),
            words.NONE if r["covers_truth"] is None else "yes" if r["covers_truth"] else "no",
            words.number(r["ratio"], 2),
            words.number(r["n_obs"]),
        )
        for r in found
    ]
    heads = ["Quantity", "Truth", "On latent", "Found", "95 % interval", "Truth inside", "Found over latent", "n"]
    table = Table.of("recovery", "What was planted and what is found", heads, body)
    return Section("recovery", "What was planted", "植入的真值与估计", text, (), (table,))
