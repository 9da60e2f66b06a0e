"""`nqpf check`: planted slips are found in every format, right numbers are left alone, bad documents are refused."""

import json
import re
import zipfile

import docx
import pypdf
import pytest
import xlsxwriter
from documents import RIGHT, Figures, sentences, swapped, tables

from dagster_project.errors import Refusal
from dagster_project.paths import PROJECT
from dagster_project.publish.check import check
from dagster_project.publish.check.check import check_passages
from dagster_project.publish.check.facts import KEPT, Facts
from dagster_project.publish.check.pages import Pages, figures_of, masked, pages_of
from dagster_project.publish.check.passages import Passage, read_passages, table_passages
from dagster_project.published import open_read_only


@pytest.fixture(scope="module")
def facts(small_warehouse):
    with open_read_only(small_warehouse.paths.published_file) as con:
        yield Facts(con, small_warehouse.releases[-1].name)


@pytest.fixture(scope="module")
def figures(facts):
    return Figures(facts.con)


def test_planted_slips_are_found_and_right_numbers_left_alone(facts, figures):
    n_slip = n_found = n_right = n_alarm = 0
    missed = []

    def count(text, wanted, found):
        nonlocal n_slip, n_found, n_right, n_alarm
        is_slip, verdict = wanted != RIGHT, found and found.verdict
        n_slip, n_right = n_slip + is_slip, n_right + (not is_slip)
        n_found += is_slip and verdict in wanted
        n_alarm += not is_slip and verdict not in RIGHT
        if verdict not in wanted:
            missed.append((text, wanted, verdict, found and found.note))

    made = sentences(figures, figures.cities())
    assert len(made) == 60
    findings = check_passages([Passage(f"{k}", text) for k, (text, _) in enumerate(made)], facts)
    for k, (text, expected) in enumerate(made):
        own = [finding for finding in findings if finding.place == str(k)]
        for printed, wanted in expected:
            found = next((finding for finding in own if finding.printed == printed), None)
            count(text, wanted, found)
            own = [finding for finding in own if finding is not found]
        n_alarm += sum(finding.differs for finding in own)
    for above, rows, slips in tables(figures, figures.cities()):
        cells = table_passages(rows, "table", above, lambda i, k: f"{i},{k}")
        at = {finding.place: finding for finding in check_passages([Passage("above", above), *cells], facts)}
        for i, row in enumerate(rows[1:], start=1):
            for k, _ in enumerate(row[1:], start=1):
                count((above, i, k), slips.get((i, k), RIGHT), at.get(f"{i},{k}"))
    assert n_found >= 0.95 * n_slip, missed
    assert n_alarm <= 0.02 * n_right, missed


@pytest.fixture
def folder(tmp_path, figures):
    """One document in every format: a right score, then the same with two digits swapped."""
    code, zh, _ = figures.cities()[0]
    score = f"{figures.score(code):.2f}"
    whole, _, part = score.partition(".")
    wrong = f"{whole}.{int(part) ^ 1:02d}"
    right = f"{figures.last}年{zh}市新质生产力指数得分为{score}分。"
    slip = f"{figures.last}年{zh}市新质生产力指数得分为{wrong}分。"
    document = docx.Document()
    for text in (right, slip):
        document.add_paragraph(text)
    document.save(tmp_path / "report.docx")
    (tmp_path / "report.md").write_text(f"# 报告\n\n{right}\n\n{slip}\n`{slip}`\n", encoding="utf-8")
    (tmp_path / "report.txt").write_bytes(f"{right}\n{slip}\n".encode("gb18030"))
    (tmp_path / "report.html").write_text(
        f"<meta charset=utf-8><script>{slip}</script><body><p>{right}</p><p>{slip}</p></body>", encoding="utf-8"
    )
    with xlsxwriter.Workbook(str(tmp_path / "report.xlsx")) as book:
        sheet = book.add_worksheet(f"{figures.last}年")
        for row, cells in enumerate((["城市", "新质生产力得分"], [zh, float(score)], [zh, float(wrong)])):
            sheet.write_row(row, 0, cells)
    return tmp_path


@pytest.mark.parametrize("kind", ["docx", "md", "txt", "html", "xlsx"])
def test_every_format_is_read(folder, facts, kind):
    findings = check_passages(read_passages(folder / f"report.{kind}"), facts)
    assert [finding.verdict in RIGHT for finding in findings] == [True, False]


def test_a_word_document_gets_comments_in_a_copy(small_warehouse, folder):
    file = folder / "report.docx"
    before = file.read_bytes()
    said = small_warehouse.run_reading("check", str(file), "--json")
    assert said.exit_code == 1
    records = json.loads(said.text[said.text.index("[\n") : said.text.rindex("]") + 1])
    assert list(records[0]) == ["place", "text", "number", "verdict", "candidates", "note"]
    assert file.read_bytes() == before
    comments = [comment.text for comment in docx.Document(folder / "report.checked.docx").comments]
    assert any(f"{records[1]['number']:.2f}" in text for text in comments)
    assert "1 equal" in (shown := small_warehouse.run_reading("check", str(file)).text) or "1 rounded" in shown


def test_headers_and_footnotes_of_a_word_document_are_read(facts, figures, tmp_path):
    city, zh, _ = figures.cities()[0]
    document = docx.Document()
    document.add_paragraph("Text.")
    document.sections[0].header.paragraphs[0].text = f"{zh} {figures.last} 年得分 {figures.score(city) + 3:.1f} 分"
    document.save(str(tmp_path / "a.docx"))
    notes = '<w:footnotes xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:footnote w:id="2">'
    notes += f"<w:p><w:r><w:t>{zh} {figures.last} 年得分 {figures.score(city):.1f} 分</w:t></w:r></w:p>"
    notes += "</w:footnote></w:footnotes>"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    part = docx.opc.part.Part(
        docx.opc.packuri.PackURI("/word/footnotes.xml"), kind, notes.encode(), document.part.package
    )
    document.part.relate_to(part, docx.opc.constants.RELATIONSHIP_TYPE.FOOTNOTES)
    document.save(str(tmp_path / "a.docx"))
    findings = check_passages(read_passages(tmp_path / "a.docx"), facts)
    assert {one.place.split(",")[0]: one.differs for one in findings} == {"header": True, "footnotes": False}


def test_an_exported_table_is_checked_cell_by_cell(small_warehouse, facts, tmp_path):
    file = tmp_path / "t1.docx"
    done = small_warehouse.run_reading(
        "export", "--table", "T1", "--format", "docx", "--lang", "zh", "--out", str(file)
    )
    assert done.exit_code == 0, done.text
    findings = [one for one in check_passages(read_passages(file), facts) if one.place.startswith("table")]
    assert {one.verdict for one in findings} == {"equal"}
    assert len(findings) > 20
    document = docx.Document(str(file))
    row, column = (int(part) - 1 for part in re.findall(r"\d+", findings[0].place)[1:])
    document.tables[0].cell(row, column).paragraphs[0].runs[0].text = "77.77"
    document.save(str(file))
    assert [one.printed for one in check_passages(read_passages(file), facts) if one.differs] == ["77.77"]


def test_a_key_is_checked_exactly(facts, figures, tmp_path):
    (code, _, _), (other, _, _), *_ = figures.cities()
    key = f"nqpf:score/{code}/{figures.last}@{facts.release}"
    document = docx.Document()
    for value in (figures.score(code), figures.score(other)):
        run = document.add_paragraph("The figure is ").add_run(f"{value:.3f}")
        document.add_comment([run], text=key)
    document.save(tmp_path / "keys.docx")
    first, second = check_passages(read_passages(tmp_path / "keys.docx"), facts)
    assert first.verdict == "rounded"
    assert second.differs
    assert second.candidates[0]["key"] == f"nqpf:score.{facts.scope.index}/{code}/{figures.last}@{facts.release}"


@pytest.mark.parametrize(("name", "language"), [("city", "zh"), ("city", "en"), ("province", "zh")])
def test_a_brief_is_right_in_every_figure_and_a_slip_in_it_is_found(
    small_warehouse, facts, figures, tmp_path, name, language
):
    _city, zh, _ = figures.cities()[0]
    place = zh if name == "city" else _province_of_two(facts)
    file = tmp_path / "brief.docx"
    done = small_warehouse.run_reading("brief", place, "--lang", language, "--out", str(file))
    assert done.exit_code == 0, done.text
    findings = check_passages(read_passages(file), facts)
    assert [(one.place, one.text, one.note) for one in findings if one.differs] == []
    assert len(findings) >= 10
    document = docx.Document(str(file))
    assert all(shape._inline.docPr.get("descr") for shape in document.inline_shapes)
    tagged = document.element.body.xpath(".//w:sdt[contains(w:sdtPr/w:tag/@w:val, 'nqpf:score/')]//w:t")[0]
    tagged.text = f"{float(tagged.text) + 3:.1f}"
    document.save(str(file))
    assert [one.printed for one in check_passages(read_passages(file), facts) if one.differs] == [tagged.text]


@pytest.mark.parametrize(("kind", "form"), [("points", ".1f"), ("place", ".0f"), ("moved", "+.1f")])
def test_parts_of_the_score_in_a_brief_are_compared(small_warehouse, facts, figures, tmp_path, kind, form):
    file = tmp_path / "brief.docx"
    done = small_warehouse.run_reading("brief", figures.cities()[0][1], "--lang", "en", "--out", str(file))
    assert done.exit_code == 0, done.text
    document = docx.Document(str(file))
    tagged = document.element.body.xpath(f".//w:sdt[contains(w:sdtPr/w:tag/@w:val, 'nqpf:{kind}.')]//w:t")
    assert len(tagged) > (20 if kind == "moved" else 15)  # changes of tiers and of the score too
    slips = [tagged[0], tagged[-1]]
    for one in slips:
        one.text = f"{float(one.text.replace('−', '-')) + 3:{form}}"
    document.save(str(file))
    wrong = [one.number for one in check_passages(read_passages(file), facts) if one.differs]
    assert sorted(wrong) == sorted(float(one.text) for one in slips)


def test_a_table_of_indicators_of_a_city_is_held_against_what_makes_up_its_score(facts, figures, tmp_path):
    city, zh, _ = figures.cities()[0]
    sql = """select i.name_zh, 100 * k.z, k.weight, 100 * k.contribution from mart.mart_index_contribution as k
    join mart.dim_indicator as i using (index_code, indicator_code)
    join mart.dim_index as x using (index_code, basis, weight_scheme)
    where x.is_headline and k.city_id = ? and k.year = ? order by abs(k.z - .5) limit 6"""
    rows = facts.con.execute(sql, [city, figures.last]).fetchall()
    head = f"## {zh}，{figures.last}年\n\n| 指标 | 标准化（0–100） | 权重 | 贡献（分） |\n|---|---|---|---|\n"
    lines = [f"| {name} | {scaled:.1f} | {weight:.3f} | {points:.2f} |\n" for name, scaled, weight, points in rows]
    file, (_, scaled, *_) = tmp_path / "a.md", rows[0]
    file.write_text(head + "".join(lines), encoding="utf-8")
    right = check_passages(read_passages(file), facts)
    assert [one.text for one in right if one.differs] == []
    assert len(right) >= 12
    slip = lines[0].replace(f"| {scaled:.1f} |", f"| {scaled + 7:.1f} |")
    file.write_text(head + "".join([slip, *lines[1:]]), encoding="utf-8")
    wrong = [one.printed for one in check_passages(read_passages(file), facts) if one.differs]
    assert wrong == [f"{scaled + 7:.1f}"]


def _province_of_two(facts):
    sql = """select any_value(c.province_name) from mart.dim_city as c join easy.ranking as r using (city_id)
    where r.year = 2016 group by c.province_name having count(*) > 1 order by 1"""
    return facts.con.execute(sql).fetchone()[0]


def test_a_brief_says_what_it_cannot_write(small_warehouse, tmp_path):
    for words, said in (
        (["Atlantis", "--out", str(tmp_path / "a.docx")], "No city is called 'Atlantis'"),
        (["合肥", "--year", "1999", "--out", str(tmp_path / "a.docx")], "none for 1999"),
        (["合肥", "--lang", "fr", "--out", str(tmp_path / "a.docx")], "no language 'fr'"),
        (["合肥"], "Give --out"),
        (["合肥", "--out", str(tmp_path / "none" / "a.docx")], "create it first"),
        ([], "Name a city or a province"),
    ):
        done = small_warehouse.run_reading("brief", *words)
        assert (done.exit_code, said in " ".join(done.text.split())) == (2, True), done.text
    assert list(tmp_path.iterdir()) == []


def test_what_the_file_says_is_read_once(facts, figures):
    passages = [Passage("1", sentences(figures, figures.cities())[0][0])]
    findings = check_passages(passages, facts)
    of_file = dict(KEPT[facts.file])
    assert len(of_file) > 4
    assert [one.verdict for one in check_passages(passages, facts)] == [one.verdict for one in findings]
    assert all(KEPT[facts.file][make] is one for make, one in of_file.items())


def test_rounding_is_to_the_nearest(facts, figures):
    code, zh, _ = figures.cities()[0]
    value = figures.value("gdp_nom", code) / 1e4
    for text, is_right in ((f"{value:.1f}", True), (f"{value + 0.1:.1f}", False), (f"{value - 0.1:.1f}", False)):
        (finding,) = check_passages([Passage("", f"{figures.last}年{zh}地区生产总值{text}亿元。")], facts)
        assert (finding.verdict in RIGHT) == is_right
    moved = f"{figures.last}年{zh}新质生产力得分为{figures.score(code) / 1000:.5f}。"
    assert [finding.differs for finding in check_passages([Passage("", moved)], facts)] == [True]


def test_figures_of_all_cities_of_tiers_and_of_coupling_are_judged(facts, figures, tmp_path):
    y, (code, zh, en) = figures.last, figures.cities()[0]
    d, mean_d = facts.of(("value", "coupling"))[code, y].value, facts.of(("nation", "mean_d"))["", y].value
    tier, n = facts.of(("score", "nqpf_q1"))[code, y].value, facts.of(("nation", "above 30"))["", y].value
    lag, weight = (
        facts.of(("nation", name))["", y].value for name in ("nqpf_lagging_percent", "weight_percent q3_pm25")
    )
    assert 0 < n < facts.n_cities[y]
    for text, is_right in (
        *((f"{y}年{zh}的耦合协调度为{d + x:.3f}。", [x == 0]) for x in (0, 0.02)),
        *(
            (f"The mean coupling coordination degree of all cities was {mean_d + x:.3f} in {y}.", [x == 0])
            for x in (0, 0.02)
        ),
        *((f"{zh}{y}年新质生产力的创新质量分项得分为{tier + x:.1f}分。", [x == 0]) for x in (0, 3)),
        *((f"On the innovation tier of NQPF {en} scored {tier + x:.1f} points in {y}.", [x == 0]) for x in (0, 3)),
        *((f"新质生产力得分在30分以上的城市，{y}年有{n + x:.0f}个。", [x == 0]) for x in (0, 1)),
        *((f"{y}年新质生产力滞后型城市占{lag + x:.1f}%。", [x == 0]) for x in (0, 7)),
        *((f"In the index the annual mean PM2.5 has a weight of {weight + x:.2f} per cent.", [x == 0]) for x in (0, 1)),
        (f"门槛变量为协调度，门槛值{mean_d + 0.02:.3f}。", []),
        (f"{y}年全国城市得分的变异系数为{facts.of(('nation', 'cv'))['', y].value + 0.05:.3f}。", [False]),
    ):
        assert [one.verdict in RIGHT for one in check_passages([Passage("", text)], facts)] == is_right, text
    y1, (other, other_zh, _) = y - 1, figures.cities()[1]
    pairs = [(name, figures.score(one, y1), figures.score(one)) for name, one in ((zh, code), (other_zh, other))]
    rows = [[name, f"{a:.2f}", f"{b:.2f}", f"{b - a + x:.2f}"] for x, (name, a, b) in enumerate(pairs)]
    table = table_passages([["城市", f"{y1}年得分", f"{y}年得分", "变化"], *rows], "", "", lambda i, k: f"{i},{k}")
    judged = {one.place: one.verdict in RIGHT for one in check_passages([*table], facts)}
    assert (judged["1,3"], judged["2,3"]) == (True, False)
    lines = [
        "City      Score  Rank",
        "----",
        *(f"{en}   {figures.score(one):.1f}   {x}" for x, (one, _, en) in enumerate(figures.cities()[:3])),
    ]
    (tmp_path / "a.txt").write_text(f"Scores of {y}\n\n" + "\n".join(lines), encoding="utf-8")
    passages = read_passages(tmp_path / "a.txt")
    assert [one.heads[:2] for one in passages if one.is_cell][8] == ("Rank", figures.cities()[1][2])
    found = {one.place: one.verdict in RIGHT for one in check_passages(passages, facts)}
    assert all(found[f"line {k}, column 2"] for k in (5, 6, 7))


def test_multiples_of_another_measure_contributions_and_results_by_name_are_judged(facts, figures, tmp_path):
    y, (code, zh, en) = figures.last, figures.cities()[0]
    loans, gdp = (figures.value(name, code) for name in ("loans_balance_nom", "gdp_nom"))
    points = facts.of(("points", "q1_greenpat"))[code, y].value
    within, between, moran = (
        facts.of(("nation", name))["", y].value for name in ("within_percent", "between_percent", "moran_i")
    )
    sql = """select beta, half_life_years from mart.mart_beta_convergence
        where is_headline and is_reported and group_code = 'all' and model_id like 'absolute%'"""
    ((beta, half_life),) = facts.con.execute(sql).fetchall()
    up, down = (
        facts.con.execute(
            "select percent from easy.markov where neighbours = 'all' and state_from = 3 and state_to = ?", [to]
        ).fetchall()[0][0]
        for to in (4, 2)
    )
    urban, rural = (figures.value(f"income_{who}", code) for who in ("urban", "rural"))
    told = []
    for x in (0, 1):
        times, is_right = f"{loans / gdp + x:.2f}", x == 0
        told += [
            (f"{y}年{zh}贷款余额{loans / 1e4:.1f}亿元，是当年地区生产总值的{times}倍。", [True, is_right]),
            (f"In {y} loans in {en} were {loans / 1e5:.2f} billion yuan, {times} times its GDP.", [True, is_right]),
            (f"In {y} residents of {en} had disposable incomes of {urban:,.0f} yuan in towns, {urban / rural:.2f} times"
             f" the {rural + 11 * x:,.0f} of its rural residents.", [True, is_right]),
            (f"Green invention patents added {points + x:.2f} points to the score of {en} in {y}.", [is_right]),
            (f"Of the Gini of {y} {between:.1f} % goes to gaps between regions and {within + 7 * x:.1f} % to gaps"
             " within them.", [True, is_right]),
            (f"Moran's I of the {y} scores, with queen contiguity weights, was {moran + x / 100:.3f}.", [is_right]),
            (f"Absolute convergence of all cities has a slope of {beta * (1 - 2 * x):.3f} and a half-life of"
             f" {half_life:.1f} years.", [is_right, True]),
            (f"马尔可夫转移矩阵显示，第三类城市升入第四类的概率为{up:.1f}%，退回第二类的概率为{down + x / 10:.1f}%。",
             [True, is_right]),
        ]  # fmt: skip
    told += [
        (f"Among eastern cities absolute convergence has a slope of {-beta:.3f}.", [])
    ]  # no result of the headline
    then = facts.of(("value", "gdp_nom"))[code, y - 1].value
    told += [
        (
            f"In {y} GDP of {en} was {gdp / 1e5:.2f} billion yuan after {x * then / 1e5:.2f} billion the year before.",
            right,
        )
        for x, right in ((1, [True, True]), (1.1, [True, False]))
    ]
    told += [(f"若邻居属于第四类，{y}年新质生产力指数升级的概率降为{up / 3:.2f}%。", [])]  # no change of the index
    for text, is_right in told:
        assert [one.verdict in RIGHT for one in check_passages([Passage("", text)], facts)] == is_right, text
    heads = ["City", f"Score (points, {y - 1})", f"Rank ({y})"]  # no citations
    ranks = [str(int(facts.of(("rank", "nqpf"))[one, y].value)) for one, *_ in figures.cities()]
    cities = zip(figures.cities(), ranks, strict=True)
    cells = [[name, f"{figures.score(one, y - 1):.1f}", rank] for (one, _, name), rank in cities]
    table = table_passages([heads, *cells], "", "", lambda i, k: f"{i},{k}")
    assert [one.verdict in RIGHT for one in check_passages([*table], facts)] == [True] * 2 * len(cells)
    rows = ["City | Score", "--- | ---", *(f"{name} | {figures.score(one):.1f}" for one, _, name in figures.cities())]
    (tmp_path / "a.txt").write_text(f"Scores of {y}\n\n" + "\n".join(rows), encoding="utf-8")
    found = check_passages(read_passages(tmp_path / "a.txt"), facts)
    assert [one.verdict in RIGHT for one in found] == [True] * len(figures.cities())


def test_a_change_of_several_years_is_told_for_each_of_them(facts, figures):
    (city, zh, _), *_ = figures.cities()
    y, first = figures.last, figures.years[0]
    change = figures.score(city) - figures.score(city, first)
    verb = "下降" if change < 0 else "提高"
    for x in (0, 1.13):
        text = f"{y}年{zh}新质生产力得分为{figures.score(city):.2f}分，比{first}年{verb}{abs(change):.2f}分，"
        findings = check_passages([Passage("", f"{text}年均{abs(change) / (y - first) + x:.2f}分。")], facts)
        assert [one.verdict in RIGHT for one in findings] == [True, True, not x], findings


def test_what_two_cities_two_years_or_two_parts_give_is_judged(facts, figures):
    (one, zh, en), (other, zh_b, en_b), *_ = figures.cities()
    y, y1 = figures.last, figures.last - 1

    def of(kind, name, city=one, year=y):
        return facts.of((kind, name))[city, year].value

    sums = [sum(of("value", "gdp_nom", city, year) for city in (one, other)) / 1e4 for year in (y, y1)]
    shares = [100 * of("value", "va_tertiary_nom", one, t) / of("value", "gdp_nom", one, t) for t in (y, y1)]
    moves = [abs(figures.score(city) - figures.score(city, y1)) for city in (one, other)]
    now, then = ([of("value", "coupling", city, year) for city in (one, other)] for year in (y, y1))
    parts, ranks = ([of(kind, f"nqpf_{part}") for part in ("new", "quality")] for kind in ("score", "rank"))
    loans, gdp = (of("value", name) for name in ("loans_balance_nom", "gdp_nom"))
    growth = 100 * of("value", "gdp_nom") / of("value", "gdp_nom", one, y1) - 100
    rises, gains = ("上升" if a > b else "回落" for a, b in (shares, sums))
    for x in (0, 1):
        ok = not x
        told = [
            (f"{y}年，{zh}、{zh_b}两市地区生产总值合计{sums[0]:.1f}亿元，比上年{gains.replace('回落', '减少')}"
             f"{abs(sums[0] - sums[1]) * (1 + x / 4):.1f}亿元。", [True, ok]),
            (f"{zh}第三产业增加值占地区生产总值的比重{y}年为{shares[0]:.2f}%，比{y1}年{rises}"
             f"{abs(shares[0] - shares[1]) + x / 5:.2f}个百分点。", [True, ok]),
            (f"The coupling coordination degree of {en} reached {now[0]:.3f} in {y} and that of {en_b} {now[1]:.3f},"
             f" compared with {then[0] + x / 50:.3f} and {then[1]:.3f} in {y1}.", [True, True, ok, True]),
            (f"{y}年{zh}总得分{figures.score(one):.2f}分，其中“质”维度{parts[1] + x / 5:.2f}分。", [True, ok]),
            (f"{y}年{zh}“新”维度{parts[0]:.2f}分，“质”维度{parts[1] + x / 5:.2f}分。", [True, ok]),
            (f"{en} changed its score by {moves[0]:.2f} points between {y1} and {y}, against {moves[1] + x / 5:.2f} for"
             f" {en_b}.", [True, ok]),
            (f"With {figures.score(one) + x:.2f} points in {y}, {en} stayed in front of {en_b}, which reached"
             f" {figures.score(other):.2f} points.", [ok, True]),
            (f"{y}年{zh}实际使用外资{of('value', 'fdi_usd') / 1e4:.2f}亿{('美元', '元')[x]}。", [ok]),
            (f"{y}年{zh}细颗粒物年均浓度为{of('value', 'pm25_popw'):.2f}{'微毫'[x]}克/立方米。", [ok]),
            (f"{y}年{zh}地区生产总值名义增速为{(-1) ** x * growth:.1f}%。", [ok]),
            (f"{y}年{zh}“新”维度得分{parts[0]:.2f}分，“质”维度得分{parts[1]:.2f}分，分别居全国第{ranks[0] + x:.0f}位和"
             f"第{ranks[1]:.0f}位。", [True, True, ok, True]),
            (f"{y}年{zh}贷款余额{loans / 1e4:.2f}亿元，与地区生产总值之比为{loans / gdp + x:.2f}。", [True, ok]),
            (f"In {y} loans in {en} were {loans / 1e5:.2f} billion yuan, {loans / gdp + x:.2f} times the city's GDP.",
             [True, ok]),
            (f"{y}年{zh}与{zh_b}的{figures.score(other):.2f}分相比，领先{zh_b}"
             f"{abs(figures.score(one) - figures.score(other)) + x:.2f}分。", [True, ok]),
        ]  # fmt: skip
        for text, is_right in told:
            assert [one.verdict in RIGHT for one in check_passages([Passage("", text)], facts)] == is_right, text


def test_a_column_of_changes_is_held_against_its_sides_and_its_sign_counts(facts, figures):
    y, y1 = figures.last, figures.last - 1
    cities = [(name, figures.score(city, y1), figures.score(city)) for city, _, name in figures.cities()]
    heads = ["City", f"Score {y1}", f"Score {y}", f"Change {y1}-{y} (points)"]
    for slip, is_right in ((lambda gain: gain, True), (lambda gain: gain + 0.4, False), (lambda gain: -gain, False)):
        rows = [[name, f"{a:.2f}", f"{b:.2f}", f"{slip(b - a):.2f}"] for name, a, b in cities]
        rows.append(
            ["Total", *(f"{sum(column):.2f}" for column in zip(*[one[1:] for one in cities], strict=True)), "9.99"]
        )
        found = check_passages([*table_passages([heads, *rows], "", "", lambda i, k: f"{i},{k}")], facts)
        assert [one.verdict in RIGHT for one in found] == [True, True, is_right] * len(cities)  # nothing of the sums


def test_what_may_be_about_a_place_that_is_not_named_is_left_alone(facts, figures):
    (a, _, en), (b, _, en_b), (c, *_), *_ = figures.cities()
    y, one, two, three = figures.last, *(figures.score(city) for city in (a, b, c))
    texts = {
        f"In {y}, {en} scored {one:.2f} points. {en_b} scored {two:.2f}. The capital had {three:.2f} points.": [True]
        * 2,
        f"In {y}, {en} scored {one:.2f} points. {en_b} scored {three:.2f} points.": [True, False],
    }
    for text, is_right in texts.items():
        assert [one.verdict in RIGHT for one in check_passages([Passage("", text)], facts)] == is_right, text


def test_a_unit_is_wrong_in_whichever_year_the_text_leaves_possible(facts, figures):
    (city, zh, _), *_ = figures.cities()
    y, gdp = figures.last, figures.value("gdp_nom", city) / 1e4
    for unit, verdicts in (("亿元", RIGHT), ("万元", ("other_unit",))):
        passages = [
            Passage("", f"{y}年通报"),
            Passage("", f"{zh}市{figures.years[0]}年得分{figures.score(city, figures.years[0]):.2f}分。"),
        ]
        passages.append(Passage("gdp", f"实现地区生产总值{gdp:.2f}{unit}。"))
        (finding,) = (one for one in check_passages(passages, facts) if one.place == "gdp")
        assert finding.verdict in verdicts, (unit, finding)


def test_a_text_table_whose_head_has_no_words_for_its_rows_is_read(facts, figures, tmp_path):
    (city, _, en), *_ = figures.cities()
    y, y1 = figures.last, figures.last - 1
    for slip in (0, 1):
        scores = f"{figures.score(city, y1):.2f}    {figures.score(city) + slip:.2f}"
        lines = [
            f"Table 1. {en} in figures",
            "",
            f"{'':30}{y1}     {y}",
            "-" * 50,
            f"NQPF index (points)           {scores}",
        ]
        lines += [f"National rank                 {figures.rank(city, y1)}        {figures.rank(city)}"]
        (tmp_path / "a.txt").write_text("\n".join(lines), encoding="utf-8")
        findings = check_passages(read_passages(tmp_path / "a.txt"), facts)
        assert [one.verdict in RIGHT for one in findings] == [True, not slip, True, True]


def test_a_figure_is_right_that_two_others_of_its_sentence_give(facts, figures):
    (city, zh, _), *_ = figures.cities()
    y = figures.last
    new, quality = (facts.of(("score", f"nqpf_{part}"))[city, y].value for part in ("new", "quality"))
    urban, rural = (figures.value(f"income_{who}", city) for who in ("urban", "rural"))
    higher, apart, ratio = "后者" if quality > new else "前者", abs(quality - new), urban / rural
    for x in (0, 3):
        for text in (
            f"{y}年{zh}“新”维度得分{new:.2f}分，“质”维度得分{quality:.2f}分，{higher}高出{apart + x:.2f}分。",
            f"{y}年{zh}城镇居民人均可支配收入{urban:.0f}元，农村居民{rural:.0f}元，前者是后者的{ratio + x:.2f}倍。",
        ):
            findings = check_passages([Passage("", text)], facts)
            assert [one.verdict in RIGHT for one in findings] == [True, True, x == 0], text


def test_a_misprint_of_what_two_figures_of_its_sentence_give_is_found(facts, figures):
    (city, zh, en), *_ = figures.cities()
    y = figures.last
    new, quality = (facts.of(("score", f"nqpf_{part}"))[city, y].value for part in ("new", "quality"))
    total, science = (figures.value(f"fiscal_{name}", city) / 1e5 for name in ("expenditure", "science"))
    apart, share, which = abs(quality - new), 100 * science / total, "后者" if quality > new else "前者"
    for text, right, wrong in (
        (f"{y}年{zh}的“新质”与“质量”两个维度分别为{new:.2f}分和{quality:.2f}分，{which}领先#分。", apart, apart + 0.01),
        (f"Of {en}'s public budget of {total:.2f} billion yuan in {y}, {science:.3f} billion yuan or # per cent went"
         " to science and technology.", share, share + 0.01),
    ):  # fmt: skip
        for figure in (right, wrong):
            (*_, last) = check_passages([Passage("", text.replace("#", f"{figure:.2f}"))], facts)
            assert (last.verdict in RIGHT) is (figure == right), text
            assert figure == right or last.right == f"{right:.2f}", last


def test_the_whole_province_is_that_of_the_city_of_the_document(facts, figures):
    province, y = _province_of_two(facts), figures.last
    sql = "select city_id from easy.ranking where year = ? and province_name = ? order by 1"
    cities = [code for (code,) in facts.con.execute(sql, [y, province]).fetchall()]
    mean, was = (sum(figures.score(city, year) for city in cities) / len(cities) for year in (y, y - 1))
    name = next(zh for code, zh, _ in facts.con.execute("select city_id, name_zh, 1 from mart.dim_city").fetchall()
                if code == cities[0])  # fmt: skip
    title = Passage("1", f"{name}{y}年简报", level=1)
    for figure, verdict in ((mean, "rounded"), (was, "other_year")):
        text = f"从全省看，参评城市{y}年平均得{figure:.2f}分。"
        (one,) = check_passages([title, Passage("2", text)], facts)
        assert one.verdict == verdict, (province, one)


def test_the_year_before_and_years_of_a_span_are_told_apart(facts, figures):
    (city, zh, _), *_ = figures.cities()
    y, first = figures.last, figures.years[0]
    now, was, before, start = (figures.score(city, year) for year in (y, y - 1, y - 2, first))
    rise = "上升" if now > start else "下降"
    rank = int(facts.of(("rank", facts.scope.index))[city, first].value)
    degree, degree_was = (facts.of(("value", "coupling"))[city, year].value for year in (y, y - 1))
    for text, verdicts in (
        (f"{y}年{zh}得分为{now:.2f}分，耦合协调度为{degree:.3f}，上年分别为{was:.2f}分和{degree_was:.3f}。",
         ["rounded"] * 4),
        (f"{y}年{zh}得分由上年的{was:.2f}分变为{now:.2f}分。", ["rounded", "rounded"]),
        (f"{y}年{zh}得分为{now:.2f}分，与{first}年的{start:.2f}分、第{rank}位相比{rise}{abs(now - start):.2f}分。",
         ["rounded", "rounded", "equal", "rounded"]),
        (f"{y}年{zh}得分由上年的{before:.2f}分变为{now:.2f}分。", ["other_year", "rounded"]),
        (f"{y}年{zh}得分为{now:.2f}分。该市{first}年得分仅为{start:.2f}分，{y - first}年间累计{rise}"
         f"{abs(now - start):.2f}分。", ["rounded"] * 3),
    ):  # fmt: skip
        assert [one.verdict for one in check_passages([Passage("", text)], facts)] == verdicts, text


def test_growth_in_real_terms_is_that_of_the_index_and_at_current_prices_that_of_the_amounts(facts, figures):
    (city, zh, en), *_ = figures.cities()
    y = figures.last
    real = facts.of(("value", "gdp_real_index"))[city, y].value - 100
    nominal = 100 * (figures.value("gdp_nom", city) / figures.value("gdp_nom", city, y - 1) - 1)
    rises = [("下降", "shrank") if growth < 0 else ("增长", "grew") for growth in (real, nominal)]
    of_real, of_nominal, slip = f"{abs(real):.2f}", f"{abs(nominal):.2f}", f"{abs(real) + 3.27:.2f}"
    for text, is_right in (
        (f"{y}年{zh}地区生产总值按可比价格计算比上年{rises[0][0]}{of_real}%。", [True]),
        (f"{y}年{zh}地区生产总值按可比价格计算比上年{rises[0][0]}{slip}%。", [False]),
        (f"{y}年{zh}地区生产总值按不变价计算比上年{rises[1][0]}{of_nominal}%。", [False]),
        (f"{y}年{zh}地区生产总值比上年名义{rises[1][0]}{of_nominal}%。", [True]),
        (f"{y}年{zh}地区生产总值按可比价格{rises[0][0]}{of_real}%。其中，规模以上工业的税收增长17.3%。", [True]),
        (f"In {y} {en}'s economy {rises[1][1]} by {of_nominal} percent at current prices and {of_real} percent in real"
         " terms.", [True, True]),
    ):  # fmt: skip
        assert [one.verdict in RIGHT for one in check_passages([Passage("", text)], facts)] == is_right, text


def test_a_city_that_another_is_compared_with_has_no_figure_but_its_own(facts, figures):
    (a, zh, en), (b, other_zh, _), (c, third_zh, _), *_ = figures.cities()
    y, first = figures.last, figures.years[0]
    gdp, wages = (f"{figures.value(name, a):.0f}" for name in ("gdp_nom", "wage_avg_nom"))
    times = figures.value("gdp_nom", a) / figures.value("gdp_nom", b)
    dust = f"{figures.value('pm25_popw', a):.2f}"
    title = Passage("1", f"{zh}{y}年简报", level=1)
    others = [f"{figures.value('pm25_popw', one):.2f}" for one in (b, c)]
    median = facts.of(("nation", "median_100"))["", y].value
    ranks = [int(facts.of(("rank", "nqpf"))[a, year].value) for year in (first, y)]
    for text, n in (
        (f"地区生产总值{gdp}万元，相当于{other_zh}的{times:.2f}倍，在岗职工平均工资{wages}元。", 3),
        (f"PM2.5年均浓度{dust}微克/立方米，优于{other_zh}的{others[0]}微克/立方米和"
         f"{third_zh}的{others[1]}微克/立方米。", 3),
        (f"{y}年{zh}得分比全国中位数{'低高'[figures.score(a) > median]}{abs(figures.score(a) - median):.2f}分。", 1),
        (f"{en}, No. {ranks[0]} in {first} with {figures.score(a, first):.1f} points, was No. {ranks[1]} in {y} despite"
         f" a score of {figures.score(a):.1f}.", 4),
    ):  # fmt: skip
        findings = check_passages([title, Passage("2", text)], facts)
        assert [one.verdict in RIGHT for one in findings] == [True] * n, (text, findings)


def test_three_sectors_that_one_word_names_are_read_in_turn(facts, figures):
    (city, zh, _), *_ = figures.cities()
    y, first = figures.last, figures.years[0]
    sectors = ("primary", "secondary", "tertiary")
    shares, was = ([facts.of(("value", f"{one}_share"))[city, year].value for one in sectors] for year in (y, first))
    amounts = [figures.value(f"va_{one}_nom", city) / 1e4 for one in sectors]
    now, then = (":".join(f"{share:.1f}" for share in of) for of in (shares, was))
    slip = f"{shares[0]:.1f}:{shares[2]:.1f}:{shares[1]:.1f}"
    a, b, c = (f"{amount:.2f}" for amount in amounts)
    for text, is_right in (
        (f"{y}年{zh}三次产业结构由{first}年的{then}调整为{now}。", [True] * 6),
        (f"{y}年{zh}三次产业结构为{slip}。", [True, False, False]),
        (f"{y}年{zh}第一、二、三产业增加值分别为{a}亿元、{b}亿元和{c}万元。", [True, True, False]),
        (f"{y}年{zh}第一、二、三产业增加值分别增长2.1%、3.4%和8.5%。", []),
    ):
        assert [one.verdict in RIGHT for one in check_passages([Passage("", text)], facts)] == is_right, text


def test_a_sector_that_the_release_lacks_is_left_alone(facts, figures, monkeypatch):
    (city, zh, _), *_ = figures.cities()
    monkeypatch.delitem(facts.units, "primary_share")
    share = facts.of(("value", "tertiary_share"))[city, figures.last].value
    text = f"{figures.last}年{zh}三次产业结构为0.1:0.2:{share:.1f}。"
    verdicts = {one.printed: one.verdict for one in check_passages([Passage("", text)], facts)}
    assert verdicts.get("0.1") is None
    assert verdicts[f"{share:.1f}"] in RIGHT


def test_of_a_year_that_the_release_lacks_no_figure_is_called_that_of_another(facts, figures, monkeypatch):
    (city, zh, _), *_ = figures.cities()
    y, wage = figures.last, figures.value("wage_avg_nom", city, figures.last - 3)
    older = figures.value("population_registered", city, y - 4) / 1e4
    growth = facts.of(("value", "gdp_real_index"))[city, y].value - 100
    for name in ("population_registered", "gdp_nom"):
        monkeypatch.delitem(facts.of(("value", name)), (city, y))
    texts = [f"{y - 3}年{zh}职工平均工资{wage:.0f}元。", f"{y - 3}年以来，户籍制度改革稳步推进。"]
    texts += [f"{zh}{y}年统计公报", f"户籍人口{older:.2f}万人。"]
    texts += [f"{y}年{zh}地区生产总值按可比价格计算{'下降' if growth < 0 else '增长'}{abs(growth):.1f}%。"]
    passages = [Passage(f"{k}", text, level=int(k == 2)) for k, text in enumerate(texts)]
    assert [one.verdict for one in check_passages(passages, facts)] == ["equal", "unknown", "rounded"]


def test_a_figure_of_the_year_before_is_wrong_beside_growth_and_right_in_its_own_sentence(facts, figures):
    (city, zh, _), *_ = figures.cities()
    y = figures.last
    title = Passage("1", f"{zh}{y}年简报", level=1)
    urban, rural, was = (figures.value(f"income_{of}", city, year) for of, year in
                         (("urban", y), ("rural", y), ("rural", y - 1)))  # fmt: skip
    growth = 100 * (urban / figures.value("income_urban", city, y - 1) - 1)
    rise = "增长" if growth > 0 else "下降"
    score, rank = figures.score(city, y - 1), int(facts.of(("rank", "nqpf"))[city, y - 1].value)
    for text, is_right in (
        (
            f"城镇居民人均可支配收入{urban:.0f}元，同比{rise}{abs(growth):.1f}%，农村居民人均可支配收入{rural:.0f}元。",
            [True] * 3,
        ),
        (
            f"城镇居民人均可支配收入{urban:.0f}元，同比{rise}{abs(growth):.1f}%，农村居民人均可支配收入{was:.0f}元。",
            [True, True, False],
        ),
        (f"上一年该市得分为{score:.2f}分，排在第{rank}位。", [True]),  # of which year is the place?
    ):
        findings = check_passages([title, Passage("2", text)], facts)
        assert [one.verdict in RIGHT for one in findings] == is_right, (text, findings)


def test_a_year_of_comparison_is_not_that_of_the_next_sentence_nor_of_the_next_section(facts, figures, tmp_path):
    (city, zh, _), *_ = figures.cities()
    y, first = figures.last, figures.years[0]
    wages, was, gdp = (f"{figures.value(name, city, year):.0f}" for name, year in
                       (("wage_avg_nom", y), ("wage_avg_nom", first), ("gdp_nom", y)))  # fmt: skip
    parcels = figures.value("express_parcels", city)
    times = f"{parcels / figures.value('express_parcels', city, first):.2f}"
    document = docx.Document()
    document.add_heading(f"{zh}发展简报（{y}年）", 0)
    document.add_heading("一、工资", 1)
    document.add_paragraph(f"在岗职工平均工资{wages}元，而{first}年只有{was}元。地区生产总值{gdp}万元。")
    document.add_heading("二、快递", 1)
    document.add_paragraph(f"快递业务量{parcels / 1e4:.2f}万件，为{first}年的{times}倍。")
    document.save(str(tmp_path / "a.docx"))
    findings = check_passages(read_passages(tmp_path / "a.docx"), facts)
    assert [one.verdict in RIGHT for one in findings] == [True] * 5, findings


def test_what_a_communique_says_beside_published_figures_is_left_alone(facts, figures):
    (city, zh, en), (other, _, other_en), *_ = figures.cities()
    y, first = figures.last, figures.years[0]
    title = Passage("1", f"{zh}{y}年国民经济和社会发展统计公报", level=1)
    primary = figures.value("va_primary_nom", city) / 1e4
    so2, was = (figures.value("industrial_so2", city, year) for year in (y, first))
    gap = abs(figures.score(other) - figures.score(city))
    firms, profit = figures.value("industrial_firms", city), figures.value("industrial_profit", city) / 1e4
    for text, is_right in (
        (f"年末共有规模以上工业企业{firms:.0f}家。", [True]),
        (f"社会事业发展，规模以上工业企业共{firms + 101:.0f}家。", [False]),
        (f"工业企业利润总额{abs(10 * profit):.2f}亿元。", [False]),  # the point is one place off
        ("单位地区生产总值能耗下降3.1%，新培育规模以上工业企业12家。", []),
        (f"第一产业增加值{primary:.2f}亿元，增长3.1%。", [True]),  # at constant prices, which no release has
        ("主要预期目标是：地区生产总值增长6.5%左右，一般公共预算支出增长5.0%。", []),  # of a year to come
        ("规模以上工业增加值比上年增长10.6%，其中高新技术产业增加值增长10.1%。", []),
        (f"工业二氧化硫排放{so2:.0f}吨，仅为{first}年的{100 * so2 / was:.1f}%。", [True, True]),
        (
            f"The {so2:.0f} tonnes of SO2 emissions of {y}, {so2 / 3:.0f} of which were from steel, are the last.",
            [True],
        ),
        (f"工业二氧化硫排放{so2:.0f}吨，仅为{first}年的{100 * so2 / was + 1.1:.1f}%。", [True, False]),
        (
            f"In {y} {other_en} scored {figures.score(other):.2f} points. {en} came next, {gap:.2f} points behind.",
            [True] * 2,
        ),
    ):
        findings = check_passages([title, Passage("2", text)], facts)
        assert [one.verdict in RIGHT for one in findings] == is_right, (text, findings)
    score = f"{figures.score(city, first):.2f}"
    cells = table_passages([["城市", "得分"], [zh, score]], "", f"附表 {first}年主要指标", lambda i, k: "")
    assert [one.verdict in RIGHT for one in check_passages([title, *cells], facts)] == [True]
    theil = [f"{facts.of(('nation', 'theil'))['', year].value:.4f}" for year in (first, y)]
    rows = [["", f"{first}", f"{y}"], ["Theil index (T)", *theil]]
    cells = table_passages(rows, "", "Inequality of the scores of all cities", lambda i, k: "")
    assert not [one for one in check_passages(list(cells), facts) if one.differs]  # T is no tonne


def test_a_unit_that_the_name_of_a_column_rules_out_is_wrong(facts):
    row = facts.con.execute(
        "select year, move_km, major_km, minor_km from mart.mart_center_ellipse"
        " where is_headline and weight_kind = 'score' and move_km is not null order by move_km desc limit 1"
    )
    year, moved, major, minor = row.fetchone()
    for unit, verdict in (("公里", "rounded"), ("米", "other_unit")):
        text = (
            f"{year}年标准差椭圆的长半轴为{major:.2f}公里，短半轴为{minor:.2f}公里，重心较上年移动了{moved:.2f}{unit}。"
        )
        findings = check_passages([Passage("", text)], facts)
        assert [one.verdict for one in findings] == ["rounded", "rounded", verdict], findings


def test_a_part_of_one_is_not_printed_as_percent(facts):
    year, mean, median, lagging = facts.con.execute(
        "select year, mean_d, median_d, share_nqpf_lagging from mart.mart_coupling_summary where is_headline"
        " and scheme = 'all' and share_nqpf_lagging between 0.2 and 0.9 order by year limit 1"
    ).fetchone()
    for scale, verdict in ((100, "rounded"), (1, "other_unit")):
        text = f"In {year} the mean degree was {mean:.5f}, the median degree {median:.5f}; new"
        text += f" forces are behind in {scale * lagging:.4f} per cent of them."
        verdicts = [one.verdict for one in check_passages([Passage("", text)], facts)]
        assert verdicts == ["rounded", "rounded", verdict], text


def test_a_unit_that_begins_with_a_number_word_is_whole(facts, figures):
    (city, zh, _), *_ = figures.cities()
    use = facts.of(("value", "q2_elecint"))[city, figures.last].value
    text = f"{figures.last}年{zh}单位产值电耗为{use:.2f}千瓦时/万元。"
    assert [one.verdict for one in check_passages([Passage("", text)], facts)] == ["rounded"]


def test_a_measure_is_known_by_the_pieces_of_its_name(facts, figures):
    (city, zh, en), *_ = figures.cities()
    y = figures.last
    total, science, education = (
        figures.value(f"fiscal_{name}", city) / 1e4 for name in ("expenditure", "science", "education")
    )
    profit, was = (figures.value("industrial_profit", city, one) / 1e4 for one in (y, y - 1))
    firms, robots = figures.value("industrial_firms", city), facts.of(("value", "robot_density"))[city, y].value
    for x, unit in enumerate("亿万"):
        for text, is_right in (
            (f"{y}年{zh}一般公共预算支出{total:.2f}亿元，其中用于科学技术{science:.2f}{unit}元。", [True, not x]),
            (f"In {y} {en} had a public budget of {total / 10:.3f} billion yuan, of which"
             f" {education / 10:.3f} {('b', 'm')[x]}illion went to education.", [True, not x]),
            (f"{y}年{zh}{firms:.0f}家规模以上工业企业实现利润{profit:.2f}{unit}元，同比多"
             f"{profit - was:.2f}亿元。", [True, not x, True][: 3 - x]),
            (f"Of its public budget {en} spent {100 * science / total:.2f} per cent on science in {y}.", [True]),
        ):  # fmt: skip
            findings = check_passages([Passage("", text)], facts)
            assert [one.verdict in RIGHT for one in findings] == is_right, text
    text = f"{y}年{zh}一般公共预算支出{total:.2f}亿元，其中用于农田水利{science / 3:.2f}亿元。"  # no variable
    assert [one.differs for one in check_passages([Passage("", text)], facts)] == [False]
    cells = table_passages(
        [["指标", f"{y}年"], ["工业机器人密度（台/万人）", f"{robots:.2f}"]], "", zh, lambda i, k: ""
    )
    assert [one.verdict in RIGHT for one in check_passages([*cells], facts)] == [True]


@pytest.mark.parametrize("rule", ["-", "—", "─"])
def test_lines_of_one_width_are_one_paragraph_and_a_rule_begins_a_text_of_its_own(facts, figures, tmp_path, rule):
    (one, zh, _), (other, zh_other, _), *_ = figures.cities()
    y, file = figures.last, tmp_path / "a.txt"
    wage = {city: figures.value("wage_avg_nom", city) for city in (one, other)}
    long = f"初步核算的结果表明，在过去的一年里，{zh}市经济运行总体平稳，职工平均工资达到了"
    lines = [f"{zh}市{y}年公报", "", long, f"{wage[one]:.0f}元。", "", rule * 30, ""]
    lines += [
        "政府工作报告：摘要",
        f"——{y + 1}年1月在{zh_other}市人民代表大会上",
        "",
        f"一、{y}年工作回顾",
        "",
        f"全市职工平均工资{wage[other]:.0f}元。",
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    passages = read_passages(file)
    assert f"{long}{wage[one]:.0f}元。" in [passage.text for passage in passages]
    assert [(finding.place, finding.verdict in RIGHT) for finding in check_passages(passages, facts)] == [
        ("line 3", True), ("line 13", True)
    ]  # fmt: skip
    english = "In this report we write lines of one width, as editors of plain text do, and"
    (tmp_path / "a.md").write_text(f"# Title\n{english}\nhere it ends.\n- an item\n", encoding="utf-8")
    texts = [passage.text for passage in read_passages(tmp_path / "a.md")]
    assert texts == ["Title", f"{english} here it ends.", "- an item"]


def test_a_sentence_without_a_year_may_be_of_the_year_of_the_document(facts, figures):
    (city, _, en), *_ = figures.cities()
    y, wage = figures.last, figures.value("wage_avg_nom", city)
    texts = [f"{en} in {y}", f"In {y - 3} {en} had {figures.score(city, y - 3):.2f} points."]
    for x in (0, 1):
        last = f"The average wage of {en} is {wage + x:.0f} yuan."
        passages = [Passage(f"{k}", text, level=int(not k)) for k, text in enumerate([*texts, last])]
        assert [one.verdict in RIGHT for one in check_passages(passages, facts)] == [True, not x]


def test_a_group_has_so_many_cities_and_an_effect_is_a_share_of_the_total(facts):
    sql = "select n_j, year from mart.mart_dagum_within where is_headline and group_code = 'periphery' order by year"
    *_, (n, y) = facts.con.execute(sql).fetchall()
    sql = "select effect, point from mart.mart_panel_effect where model_id = 'nqpf_sdm' and variable = 'pr'"
    of = dict(facts.con.execute(f"{sql} and horizon = 'static'").fetchall())
    share, total = 100 * of["indirect"] / of["total"], "total effect of production relations"
    for text, is_right in (
        (f"In {y} the {n} peripheral cities lag behind.", True),
        (f"The {total} is {of['total']:.3f}, and spillovers make up {share:.1f}% of it.", True),
        (f"Spillovers account for {share / 10:.2f}% of the {total}.", False),
    ):
        findings = check_passages([Passage("", text)], facts)
        assert [one.verdict in RIGHT for one in findings][-1:] == [is_right], text


def test_changes_and_moves_whose_verb_stands_once_and_counts_of_cities_are_judged(facts, figures):
    y, y1 = figures.last, figures.last - 1
    theil, cv = (
        abs(facts.of(("nation", name))["", y].value - facts.of(("nation", name))["", y1].value)
        for name in ("theil", "cv")
    )
    moves = {
        (a, b): percent
        for a, b, percent in facts.con.execute(
            "select state_from, state_to, percent from easy.markov where neighbours = 'all'"
        ).fetchall()
    }
    for x in (0, 0.4):
        told = [
            (f"From {y1} to {y} the Theil index changed by {theil:.3f} and the coefficient of variation by"
             f" {cv + x:.3f}.", [True, not x]),
            (f"A city of the lowest class had a {moves[1, 1]:.1f} per cent chance of still being there one year later;"
             f" at the top the figure was {moves[4, 4] + x:.1f} per cent.", [True, not x]),
            (f"马尔可夫转移矩阵表明，最低一类城市一年后仍停留在该类的概率为{moves[1, 1]:.1f}%，上升一类的概率为"
             f"{moves[1, 2] + x:.1f}%。", [True, not x]),
        ]  # fmt: skip
        for text, is_right in told:
            assert [one.verdict in RIGHT for one in check_passages([Passage("", text)], facts)] == is_right, text
    sql = "select variable, points_per_unit, se from easy.effects where effect = 'indirect' order by variable"
    (name, point, error), *_ = facts.con.execute(sql).fetchall()
    rows = [["Variable", "Direct", "Indirect"], *([name, "", f"{sign * point:.3f} ({error:.3f})"] for sign in (1, -1))]
    table = table_passages(rows, "", "Table 2. Effects (standard errors in brackets)", lambda i, k: f"{i},{k}")
    first = {one.place: one.verdict in RIGHT for one in reversed(check_passages([*table], facts))}  # the estimate
    assert [first[place] for place in ("1,2", "2,2")] == [True, False]
    sql = """select d.point, d.se, t.se from (select variable, points_per_unit as point, se from easy.effects
        where effect = 'indirect' and is_of_interest) as d
        join easy.effects as t using (variable) where t.effect = 'total'"""
    (point, error, of_total), *_ = facts.con.execute(sql).fetchall()
    for se, is_right in ((error, True), (of_total, False)):
        text = f"The indirect effect of production relations is {point:.3f} (s.e. {se:.3f})."
        assert [one.verdict in RIGHT for one in check_passages([Passage("", text)], facts)] == [True, is_right], text
    province = _province_of_two(facts)
    n, mean = (facts.of(("nation", name))[province, y].value for name in ("n_city", "mean_100"))
    rows = [["省份", "城市数（个）", f"{y}年均值（分）", f"{y}年前50名城市数（个）"]]
    rows += [[province, f"{n:.0f}", f"{mean:.2f}", "1"], [province, f"{n + 1:.0f}", f"{mean:.2f}", "1"]]
    table = table_passages(rows, "", f"{y}年新质生产力得分", lambda i, k: f"{i},{k}")
    assert [one.verdict in RIGHT for one in check_passages([*table], facts)] == [True, True, False, True]


def test_means_of_groups_and_provinces_and_sums_of_provinces_are_judged(facts, figures):
    y = figures.last
    sql = """select m.group_name_zh, avg(r.score_100)
        from easy.ranking as r join mart.dim_group_membership as m using (city_id)
        where r.year = ? and m.scheme = 'four_region' group by 1 having count(*) > 1 order by 2"""
    (low, low_mean), *_, (high, high_mean) = facts.con.execute(sql, [y]).fetchall()
    province = _province_of_two(facts)
    mean = facts.of(("nation", "mean_100"))[province, y].value
    told = [
        (f"{y}年{high}平均得分为{high_mean:.2f}分。", [True]),
        (f"{y}年{high}、{low}平均得分分别为{high_mean:.2f}分和{high_mean:.2f}分。", [True, False]),
        (f"{y}年{high}与{low}的平均得分差距为{high_mean - low_mean:.2f}分。", [True]),
        (f"{y}年{high}与{low}的平均得分差距为{high_mean - low_mean + 1:.2f}分。", [False]),
        (f"{y}年{province}各市平均得分{mean:.2f}分。", [True]),
        (f"{y}年{province}各市平均得分{mean + 2:.2f}分。", [False]),
        (f"{y}年全省各市平均得分{mean + 2:.2f}分。", []),  # of a province that is not named
    ]
    for scheme, name in (("四", "within_percent"), ("三", "within_percent three_region")):
        part = facts.of(("nation", name))["", y].value
        told += [(f"{y}年按{scheme}大区域分解，组内差异贡献{part + x:.1f}%。", [x == 0]) for x in (0, 7)]
    told += [(f"{y}年按五类城市群分解，核心城市的组内差异贡献{part + 7:.1f}%。", [])]  # of two schemes
    then = dict(facts.con.execute(sql, [y - 1]).fetchall())
    grown = high_mean - low_mean - then[high] + then[low]
    told.append((f"{y}年{high}与{low}的平均得分差距比{y - 1}年变化{abs(grown):.2f}分。", [True]))
    for (place, year), fact in facts.of(("value", "gdp_nom")).items():
        if place == province and year == y:
            said, gdp = f"{y}年{province}地区生产总值合计", fact.value / 1e4
            told += [(f"{said}{gdp:.1f}亿元。", [True]), (f"{said}{gdp:.1f}万元。", [False])]
            told += [(f"{said}{gdp * 1.37:.1f}亿元。", [])]  # may be another source's
    (a, a_zh, _), (b, b_zh, _) = figures.cities()[:2]
    part, rise = figures.value("gdp_nom", a) / figures.value("gdp_nom", b), figures.score(a) - figures.score(a, y - 1)
    told += [(f"{y}年{a_zh}GDP为{b_zh}的{x * part:.1f}%。", [x == 100]) for x in (100, 120)]
    ways = [(verb, (verb == "上升") == (rise > 0)) for verb in ("上升", "下降")]
    told += [(f"{y}年{a_zh}得分比上年{verb}{abs(rise):.2f}分。", [is_right]) for verb, is_right in ways]
    over = abs(figures.score(a) - facts.of(("nation", "mean_100"))["", y].value)
    told += [(f"{y}年{a_zh}得分高于全国平均水平{over + x:.2f}分。", [x == 0]) for x in (0, 1)]
    for text, is_right in told:
        assert [one.verdict in RIGHT for one in check_passages([Passage("", text)], facts)] == is_right, text
    (another,) = check_passages([Passage("", f"{y}年{low}平均得分{high_mean:.2f}分。")], facts)
    assert another.verdict == "other_city"
    rows = [["区域", "平均得分"], [high, f"{high_mean:.2f}"], [low, f"{high_mean:.2f}"]]
    table = table_passages(rows, "", f"{y}年", lambda i, k: f"{i},{k}")
    assert [one.verdict in RIGHT for one in check_passages([Passage("", f"{y}年"), *table], facts)] == [True, False]


def test_parts_of_a_sentence_are_held_to_their_own_year_study_and_pair(facts, figures):
    (a, zh, en), *_ = figures.cities()
    first, y, y1 = facts.scope.first_year, figures.last, figures.last - 1
    new, quality = (
        {year: facts.of(("score", f"{facts.scope.index}_{part}"))[a, year].value for year in (y, y1)}
        for part in ("new", "quality")
    )
    theil, theil_first = (facts.of(("nation", "theil"))["", year].value for year in (y, first))
    gini = facts.of(("nation", "gini"))
    centre = gini["central_of_four_region", y].value
    growth = figures.value("gdp_real_index", a) - 100
    firms, firms_before = (figures.value("industrial_firms", a, year) for year in (y, y1))
    beginning, score, before = (figures.score(a, year) for year in (first, y, y1))
    science, education = (
        100 * figures.value(name, a) / figures.value("fiscal_expenditure", a)
        for name in ("fiscal_science", "fiscal_education")
    )
    told = [
        (f"{y}年{zh}科技支出占财政支出的{science:.1f}%，教育支出占{education:.1f}%。", [True, True]),
        (f"{y}年{zh}科技支出占财政支出的{science:.1f}%，教育支出占{education + 0.3:.1f}%。", [True, False]),
        (f"In {y}, {en} moved from {before:.2f} to {score:.2f} points within a year.", [True]),
        (f"In {y}, {en} moved from {beginning:.2f} to {score:.2f} points within a year.", [False, True]),
        (f"从{y}年的构成看，{zh}“新”维度得分{new[y1]:.2f}分，“质”维度得分{quality[y]:.2f}分，"
         f"后者高出{abs(quality[y] - new[y]):.2f}分。", [False, True, True]),
        (f"In {y}, {en} gets {new[y]:.2f} points on the New dimension but only {quality[y]:.2f} on Quality.",
         [True, True]),
        (f"若以{first}年为起点，{'零一二三四五'[y - first]}年间{zh}得分由{beginning:.2f}分变为{score:.2f}分。",
         [True, True]),
        (f"The Theil index of {y} is {theil:.3f}, from its initial value of {theil_first:.3f}.", [True, True]),
        (f"An earlier study reports a Gini index of {gini['', y].value + 0.16:.3f} for {y}, whereas our Gini index is"
         f" {gini['', y].value:.3f}.", [True]),
        (f"{y}年{zh}有规模以上工业企业{firms:.0f}家，举办活动{firms_before:.0f}场。", [True]),
        (f"{y}年{zh}提出地区生产总值增长{growth + 0.3:.1f}%以上的目标。", []),
        (f"{y}年，生产关系指数每提高一分，{zh}得分提高{abs(score - before) + 0.1:.2f}分。", []),
    ]  # fmt: skip
    for text, is_right in told:
        found = [one.verdict in RIGHT for one in check_passages([Passage("", text)], facts)]
        assert found == is_right, text
    rows = [["Region", f"Gini {y}"], ["Centre", f"{centre:.3f}"], ["All cities", f"{gini['', y].value:.3f}"]]
    table = table_passages(rows, "", "Gini index", lambda i, k: f"{i},{k}")
    assert all(one.verdict in RIGHT for one in check_passages([*table], facts))


def test_what_a_sentence_leaves_out_is_what_the_words_before_it_leave_possible(facts, figures):
    (a, zh, en), (b, dzh, den), *_ = figures.cities()
    y, y1 = figures.last, figures.last - 1
    s, d, s1 = figures.score(a), figures.score(b), figures.score(a, y1)
    share, other = (
        100 * figures.value("fiscal_science", one) / figures.value("fiscal_expenditure", one) for one in (a, b)
    )
    loans, before = (figures.value("loans_balance_nom", a, year) / 1e5 for year in (y, y1))
    pop = figures.value("population_resident", a) / 1e6
    told = [  # the text, then {} for the last figure; the right one
        (f"{zh}市{y}年通报。\n{dzh}得分{d:.2f}分，我市得分{{:.2f}}分。", s),
        (f"{y}年{zh}科技支出占一般公共预算支出的{share:.1f}%，{dzh}为{{:.1f}}%。", other),
        (f"In {y}, {den} scored {d:.1f} and {en}, by contrast, {{:.1f}}.", s),
        (f"{y}年{zh}、{dzh}得分分别为{s:.2f}分和{d:.2f}分，两者平均{{:.2f}}分。", (s + d) / 2),
        (f"{en}'s score moved from {s1:.1f} in {y1} to {{:.1f}} in {y}.", s),
        (f"In {y} loans in {en} came to {loans:.1f} billion yuan, against {{:.1f}} billion a year earlier.", before),
        (f"Loans in {en}: {loans:.1f} billion yuan in {y} ({y1}: {{:.1f}} billion).", before),
    ]
    for text, right in told:
        wrong = right * 1.27 + 1
        for value, is_right in ((right, True), (wrong, False)):
            *_, last = check_passages([Passage("", text.format(value))], facts)
            assert (last.verdict in RIGHT) == is_right, text.format(value)
    silent = [f"In {y}, {en} has {pop:.2f} million residents. London, for comparison, has 8.93 million residents."]
    assert [one.differs for one in check_passages([Passage("", text) for text in silent], facts)] == [False]


@pytest.mark.parametrize(
    "text",
    [  # what stands beside a figure is not its own
        "{y}年{zh}利润总额{profit:.1f}亿元，同比增长8.8%。",
        "{y}年{zh}工业SO2排放量为{so2:.0f}吨，上年为{so2_before:.0f}吨。",
        "{y}年{zh}新质生产力与生产关系的协调程度为0.517。",  # a hundredth of the score: a figure of something else
        "{y}年{zh}本外币存款余额77.78亿元，贷款余额{loans:.2f}亿元。",
        "{en} scored {score:.1f} in {y}. Its GDP was {gdp:.1f} billion yuan, compared with {before:.1f} in {y1}.",
    ],
)
def test_a_comparison_does_not_take_the_year_or_the_name_of_another_figure(facts, figures, text):
    code, zh, en = figures.cities()[0]
    y, y1 = figures.last, figures.last - 1
    filled = text.format(
        y=y, y1=y1, zh=zh, en=en, score=figures.score(code),
        profit=figures.value("industrial_profit", code) / 1e4, loans=figures.value("loans_balance_nom", code) / 1e4,
        so2=figures.value("industrial_so2", code), so2_before=figures.value("industrial_so2", code, y1),
        gdp=figures.value("gdp_nom", code) / 1e5, before=figures.value("gdp_nom", code, y1) / 1e5,
    )  # fmt: skip
    assert [(one.printed, one.note) for one in check_passages([Passage("", filled)], facts) if one.differs] == []


def test_a_county_level_unit_has_figures_and_a_place_of_its_own(facts):
    zh, year, gdp, place = facts.con.execute(
        """select c.name_zh, v.year, v.value / 1e4, rank() over (partition by v.year order by v.value desc)
        from easy.county_variable as v inner join mart.dim_county as c using (county_id)
        where v.variable_code = 'gdp_nom' and v.unit = 'yuan10k' order by v.year desc, c.county_id limit 1"""
    ).fetchone()
    said, stands = f"{year}年，{zh}地区生产总值", "在全部县级市中居"
    for text, is_right in (
        (f"{said}为{gdp:.2f}亿元。", [True]),
        (f"{said}为{1.05 * gdp:.2f}亿元。", [False]),
        (f"{said}{stands}第{place}位。", [True]),
    ):
        assert [one.verdict in RIGHT for one in check_passages([Passage("", text)], facts)] == is_right, text


def test_a_figure_of_the_year_of_the_document_is_no_slip_where_no_year_stands_beside_it(facts, figures):
    """The year of the sentence before may be that of an aside; beside the figure it is meant."""
    city, zh, _ = figures.cities()[0]
    last, before = figures.last, figures.last - 1
    gdp = facts.of(("value", "gdp_nom"))
    now, then = (gdp[city, year].value / 1e4 for year in (last, before))
    about = [f"{last}年{zh}市经济。", f"{last}年，{zh}市地区生产总值为{now:.2f}亿元。", f"{before}年为{then:.2f}亿元。"]
    for text, verdicts in (
        (f"地区生产总值为{now:.2f}亿元。", []),
        (f"{before}年地区生产总值为{now:.2f}亿元。", ["other_year"]),
    ):
        findings = check_passages([Passage("", "".join([*about, text]))], facts)
        assert [finding.verdict for finding in findings if finding.differs] == verdicts, text


def test_what_stands_beside_figures_of_one_row_or_table_is_judged_by_it(facts):
    """The standard error of an estimate, and a cell of a table."""
    sql = """select coef, se, lo, hi from mart.mart_panel_coef
        where is_headline and role = 'beta' order by abs(coef / se) desc limit 1"""
    coef, se, lo, hi = facts.con.execute(sql).fetchone()
    sql = "select year, gini, gini_lo, gini_hi, theil, cv from easy.inequality where scheme = 'all' order by year"
    years = facts.con.execute(sql).fetchall()
    for off in (0, 1):
        text = f"Coefficient {coef:.5f}, standard error {se * (1 + off):.5f}, 95 % CI [{lo:.5f}, {hi:.5f}]."
        rows = [["year", "Gini", "lower end", "upper end", "Theil", "CV"]]
        rows += [[str(one), *map("{:.4f}".format, row)] for one, *row in years]
        rows[2][2] = f"{years[1][2] * (1 + off / 10):.4f}"
        table = table_passages(rows, "", "Inequality of the scores, all cities", lambda i, k: f"{i},{k}")
        for passages in ([Passage("", text)], list(table)):
            assert sum(one.differs for one in check_passages(passages, facts)) == off


def test_a_table_is_laid_beside_the_result_table_that_its_heads_name(facts):
    """Rows and columns that are named as the labels do; a sign that is lost, a decimal point that moved."""
    sql = """select variable, effect, point from mart.mart_panel_effect
        where is_headline and horizon = 'static' and abs(point) > 0.001 order by variable, effect"""
    effects = {(variable, effect): point for variable, effect, point in facts.con.execute(sql).fetchall()}
    sql = """select code, any_value(name_en) from mart.dim_label
        where kind in ('variable', 'term', 'effect') group by code"""
    names = dict(facts.con.execute(sql).fetchall())
    kinds = ("direct", "indirect", "total")
    variables = [one for one in dict.fromkeys(v for v, _ in effects) if one in names and (one, "total") in effects][:3]
    rows = [["", *(names[kind] for kind in kinds)]]
    rows += [[names[one], *(f"{effects[one, kind]:.4f}" for kind in kinds)] for one in variables]
    assert len(rows) == 4
    indirect = effects[variables[1], "indirect"]
    for wrong, n in ((rows[2][2], 0), (f"{-indirect:.4f}", 1), (f"{100 * indirect:.4f}", 1)):
        rows[2][2] = wrong
        table = table_passages(rows, "", "Effects of the spatial Durbin model", lambda i, k: f"{i},{k}")
        differs = [one.place for one in check_passages(list(table), facts) if one.differs]
        assert differs == ["2,2"][:n]


def test_a_figure_of_another_year_in_a_table_of_results_of_one_year_is_wrong(facts):
    """Keys that are periods are years; rows of several schemes of groups stand in one table."""
    sql = """select period, group_high, group_low, 100 * diff, 100 * lo, 100 * hi, ratio from mart.mart_group_gradient
        where is_headline and measure = 'level' and scheme in ('core', 'cluster', 'four_region') order by all"""
    found = facts.con.execute(sql).fetchall()
    then, *_, year = dict.fromkeys(row[0] for row in found)
    now, before = ([row[1:] for row in found if row[0] == one] for one in (year, then))
    for off in (0, 1):
        rows = [["", "difference", "lower end", "upper end", "ratio"]]
        rows += [[f"{high} - {low}", *(f"{one:.2f}" for one in of)] for high, low, *of in now]
        rows[2][1] = f"{(before if off else now)[1][2]:.2f}"
        table = table_passages(rows, "", f"Gaps between groups in {year}", lambda i, k: f"{i},{k}")
        assert [one.place for one in check_passages(list(table), facts) if one.differs] == ["2,1"][:off]


def test_what_neither_words_nor_heads_say_is_judged_where_nothing_gives_the_figure(facts, figures):
    """No year; no unit; a city and a measure of the clauses before; a change a year; 退了三位."""
    (a, zh, en), (b, dzh, _), *_ = figures.cities()
    y, score = figures.last, figures.score(a)
    gdp, other = (f"{figures.value('gdp_nom', one) / 1e4:.1f}" for one in (a, b))
    people, first = f"{figures.value('population_registered', a) / 1e4:.1f}", y - 2
    a_year = abs(score - figures.score(a, first)) / 2
    way = "提高" if score > figures.score(a, first) else "下降"
    rank = facts.of(("rank", facts.scope.index))
    moves = ((name, int(rank[c, y].value - rank[c, y - 1].value)) for c, name, _ in figures.cities())
    mover, places = next((name, n) for name, n in moves if n)
    moved = "退" if places > 0 else "进"

    for text, right, wrong in (
        (f"{en} has {{}} points.", f"{score:.2f}", f"{1.07 * score:.2f}"),
        (f"{y}年{zh}地区生产总值{gdp}亿元，规模相近的{dzh}则是另一番光景：{{}}亿元。", other, swapped(other)),
        (f"{y}年，{mover}排名{moved}了{{}}位。", f"{abs(places)}", f"{abs(places) + 4}"),
        (f"{first}年至{y}年{zh}得分年均{way}{{}}分。", f"{a_year:.2f}", f"{1.3 * a_year + 1:.2f}"),
    ):
        for figure, off in ((right, 0), (wrong, 1)):
            findings = check_passages([Passage("", text.format(figure))], facts)
            assert [one.printed for one in findings if one.differs] == [figure][:off], text.format(figure)
    for figure, off in ((people, 0), (swapped(people), 1)):
        table = table_passages([["城市", "户籍人口"], [zh, figure]], "", f"{y}年", lambda i, k: f"{i},{k}")
        assert sum(one.differs for one in check_passages([Passage("", f"{y}年"), *table], facts)) == off


def test_a_table_of_cities_that_names_no_measure_is_one_of_scores_where_they_agree(facts, figures):
    y, cities = figures.last, figures.cities()[:4]
    for off in (0, 5):
        rows = [["城市", str(y)], *([zh, f"{figures.score(code):.2f}"] for code, zh, _ in cities)]
        rows[2][1] = f"{figures.score(cities[1][0]) + off:.2f}"
        table = table_passages(rows, "", "", lambda i, k: f"{i},{k}")
        findings = check_passages(list(table), facts)
        assert [one.place for one in findings if one.differs] == ["2,1"][: off > 0]
        assert len(findings) == len(cities)


def test_a_year_of_comparison_above_a_table_is_not_that_of_the_table(facts, figures):
    code, zh, _ = figures.cities()[0]
    above = f"得分较{figures.last - 1}年有变化。"
    cells = table_passages([["城市", "得分"], [zh, f"{figures.score(code):.2f}"]], "", above, lambda i, k: f"{i},{k}")
    heading = Passage("heading", f"{figures.last}年新质生产力", level=1)
    (finding,) = check_passages([heading, Passage("above", above), *cells], facts)
    assert finding.verdict in RIGHT


def _zip(path, **parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_cells_without_a_year_are_of_the_newest_and_lines_without_words_are_no_sentences(facts, figures):
    last, ranks = figures.last, facts.of(("rank", facts.scope.index))
    code, zh, _ = next(city for city in figures.cities() if ranks[city[0], last].value > 9)
    rank, gdp = f"{ranks[code, last].value:.0f}", f"{figures.value('gdp_nom', code) / 1e4:.1f}"
    above = Passage("", f"{zh}市的变化自{last - 1}年起。")
    table = [["城市", "地区生产总值（亿元）", f"{last}年位次"], [zh, gdp, rank]]
    cells = table_passages(table, "", "", lambda i, k: f"{i},{k}")
    line = Passage(
        "", f"得分　位次　地区生产总值　发明专利授权数\n{zh}　{figures.score(code):.2f}　{rank}　{gdp}　99999"
    )
    assert [one.number for one in check_passages([above, *cells, line], facts) if one.differs] == []


def test_bad_documents_are_refused_in_a_sentence(folder, tmp_path):
    good = (folder / "report.docx").read_bytes()
    made = {"locked": bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "cut": good[: len(good) // 2], "empty": b""}
    for name, content in made.items():
        (tmp_path / f"{name}.docx").write_bytes(content)
    document = "word/document.xml"
    _zip(tmp_path / "macro.docx", **{document: "<w/>", "word/vbaProject.bin": "x"})
    _zip(tmp_path / "entity.docx", **{document: '<!DOCTYPE a [<!ENTITY b "c">]><w>&b;</w>'})
    _zip(tmp_path / "bomb.docx", **{document: b"<w>" + b" " * 210_000_000})
    _zip(tmp_path / "other.docx", **{"content.xml": "<w/>"})
    (tmp_path / "old.doc").write_bytes(good)
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(tmp_path / "picture.pdf")
    words = {"locked": "password", "cut": "damaged", "empty": "empty", "macro": "macros", "entity": "entities"}
    words |= {"bomb": "unpacks to", "other": "no Word document", "old": "reads", "picture": "not text"}
    for name, word in words.items():
        file = next(tmp_path.glob(f"{name}.*"))
        with pytest.raises(Refusal, match=word) as refusal:
            read_passages(file)
        assert "\n" not in str(refusal.value)
        assert "workbook" not in str(refusal.value)


def test_a_document_without_figures_says_so(small_warehouse, tmp_path):
    (tmp_path / "note.txt").write_text("Nothing here, but 12 chairs and section 3.2.\n", encoding="utf-8")
    said = small_warehouse.run_reading("check", str(tmp_path / "note.txt"))
    assert said.exit_code == 0
    assert "holds no number of a published figure" in said.text


def test_pages_and_documents_of_the_project_hold_what_the_file_has(facts, small_warehouse):
    site = small_warehouse.releases[-1] / "docs"
    pages = [*sorted(site.glob("*.html")), site / "zh" / "index.html", *sorted(site.glob("cities/*.html"))[:4]]
    papers = [*sorted(PROJECT.glob("README*.md")), *sorted((PROJECT / "docs").glob("*.md"))]
    real = {"editing_real.md"}  # about the real files
    findings = {
        file.name: check_passages(read_passages(file), facts) for file in (*pages, *papers) if file.name not in real
    }
    assert not {(name, f.text, f.number, f.note) for name, own in findings.items() for f in own if f.differs}
    n_figure = {file.name: sum(len(figures_of(one.text)) for one in read_passages(file)) for file in pages}
    assert sum(len(findings[file.name]) for file in pages) > 0.75 * sum(n_figure.values())


def copied(site):
    """A sentence of the report, and a table of it, as rows."""
    passages = [one for name in ("disparity", "appendix-trust") for one in read_passages(site / f"{name}.html")]
    sentence = next(one.text for one in passages if one.text.startswith("In points, the standard deviation"))
    rows = {}
    for one in passages:
        if one.place.startswith("table 1,"):
            rows.setdefault(one.at[0], []).append(one.text)
    return sentence, [row for row in rows.values() if len(row) == len(rows[0])]


def test_what_is_copied_from_the_report_is_held_against_it(facts, small_warehouse, tmp_path):
    sentence, rows = copied(small_warehouse.releases[-1] / "docs")
    spread = figures_of(sentence)[0]

    def findings(sentence, rows):
        table = [f"| {' | '.join(row)} |" for row in rows]
        lines = [sentence, "", table[0], "|".join(["", *("---" for _ in rows[0]), ""]), *table[1:]]
        (tmp_path / "copy.md").write_text("\n".join(lines), encoding="utf-8")
        return check_passages(read_passages(tmp_path / "copy.md"), facts)

    held = findings(sentence, rows)
    assert {one.verdict for one in held} <= {"equal", "rounded"}
    assert len(held) > len(rows)
    slip = findings(sentence.replace(spread, f"{float(spread) + 1:.1f}", 1), rows)
    assert [one.note for one in slip if one.differs] == [f"the report of {facts.release} has {spread}"]
    other = [[*row] for row in rows]
    place, figure = next((k, text) for k, text in enumerate(other[2]) if re.fullmatch(r"[-−]?\d+\.\d+", text))
    other[2][place] = figure[:-1] + str((int(figure[-1]) + 5) % 10)
    (wrong,) = [one for one in findings(sentence, other) if one.differs]
    assert wrong.verdict == "not_ours"
    assert wrong.note.endswith(f"has {figure.replace(chr(0x2212), '-')}")


def test_what_the_report_of_an_older_release_had_is_revised(facts, small_warehouse, monkeypatch):
    sentence, _ = copied(small_warehouse.releases[-1] / "docs")
    spread = figures_of(sentence)[0]
    was = sentence.replace(spread, f"{float(spread) + 1:.1f}", 1)
    old, older = Pages(), Facts(facts.con, "2025.1.0")
    old.sentences[masked(was)[0]].append(figures_of(was))
    pages = {older.release: [old], facts.release: pages_of(facts, (), "en")}
    monkeypatch.setattr(check, "pages_of", lambda one, cities, language: pages[one.release])
    (revised,) = [one for one in check_passages([Passage("", was)], facts, [older]) if one.differs]
    assert (revised.verdict, revised.note) == (
        "revised", f"right in 2025.1.0; the report of {facts.release} has {spread}",
    )  # fmt: skip
