"""Sentences and tables made from a published file, with planted slips."""

import itertools

RIGHT = ("equal", "rounded")


class Figures:
    """Figures of a published file by city code and year."""

    def __init__(self, con):
        self.con = con
        self.years = [row[0] for row in con.execute("select distinct year from easy.ranking order by 1").fetchall()]
        self.last = self.years[-1]

    def cities(self):
        """(code, Chinese, English) of four scored cities whose English names are their own."""
        sql = """select city_id, regexp_replace(name_zh, '市$', ''), name_en from easy.ranking as r
        where year = ? and name_en in (select name_en from mart.dim_city group by 1 having count(*) = 1)
            and name_zh like '%市' order by hash(city_id) limit 4"""
        return self.con.execute(sql, [self.last]).fetchall()

    def score(self, city, year=None):
        return self._ranking("score_100", city, year)

    def rank(self, city, year=None):
        return self._ranking("rank_year", city, year)

    def n(self):
        return self.con.execute("select max(n_city) from easy.ranking").fetchone()[0]

    def _ranking(self, name, city, year):
        sql = f"select {name} from easy.ranking where city_id = ? and year = ?"
        return self.con.execute(sql, [city, year or self.last]).fetchone()[0]

    def value(self, variable, city, year=None):
        sql = "select value from easy.city_variable where variable_code = ? and city_id = ? and year = ?"
        return self.con.execute(sql, [variable, city, year or self.last]).fetchone()[0]


def swapped(text):
    """Two digits beside each other changed places: the last pair that differs."""
    digits = [k for k, sign in enumerate(text) if sign.isdigit()]
    for a, b in reversed(list(itertools.pairwise(digits))):
        if text[a] != text[b] and not (a == 0 and text[b] == "0"):
            signs = list(text)
            signs[a], signs[b] = signs[b], signs[a]
            return "".join(signs)
    raise AssertionError(text)


def sentences(f, cities):
    """(text, [(number as printed, verdicts that are right)]). `cities`: (code, Chinese, English) of four cities."""
    y, y1 = f.last, f.last - 1
    made = []

    def add(text, *expected):
        made.append((text, [(number, (said,) if isinstance(said, str) else said) for number, said in expected]))

    for k, (c, zh, en) in enumerate(cities):
        d, dzh, den = cities[(k + 1) % len(cities)]
        s, s1, r, _r1 = f.score(c), f.score(c, y1), f.rank(c), f.rank(c, y1)
        gdp, pop, share = f.value("gdp_nom", c), f.value("population_resident", c), f.value("tertiary_share", c)
        g, p = f"{gdp / 1e4:.2f}", f"{pop / 1e4:.2f}"
        wage, pat = f.value("wage_avg_nom", c), f.value("invention_grants", c)
        add(f"{y}年{zh}市新质生产力指数得分为{s:.2f}分，居全国第{r}位。", (f"{s:.2f}", RIGHT), (f"{r}", RIGHT))
        add(f"In {y}, {en} scored {s:.1f} points and ranked {r} of {f.n()}.", (f"{s:.1f}", RIGHT), (f"{r}", RIGHT))
        add(f"{zh}市{y}年地区生产总值{g}亿元，常住人口{p}万人。", (g, RIGHT), (p, RIGHT))
        add(f"The GDP of {en} was {gdp / 1e5:,.2f} billion yuan in {y}.", (f"{gdp / 1e5:,.2f}", RIGHT))
        add(
            f"{zh}第三产业占比由{y1}年的{f.value('tertiary_share', c, y1):.1f}%变为{y}年的{share:.1f}%。",
            (f"{f.value('tertiary_share', c, y1):.1f}", RIGHT),
            (f"{share:.1f}", RIGHT),
        )
        add(
            f"{y}年，{zh}与{dzh}的得分分别为{s:.2f}分和{f.score(d):.2f}分。",
            (f"{s:.2f}", RIGHT),
            (f"{f.score(d):.2f}", RIGHT),
        )
        # slips
        add(
            f"{y}年{zh}市新质生产力指数得分为{swapped(f'{s:.2f}')}分。",
            (swapped(f"{s:.2f}"), ("not_ours", "other_city", "other_year")),
        )
        add(f"{y1}年{zh}市地区生产总值为{g}亿元。", (g, "other_year"))
        add(f"{zh}市{y}年地区生产总值为{g}万元。", (g, "other_unit"))
        add(
            f"{zh}市{y}年常住人口为{f.value('population_resident', d) / 1e4:.2f}万人。",
            (f"{f.value('population_resident', d) / 1e4:.2f}", "other_city"),
        )
        add(
            f"In {y} the average wage in {en} was {swapped(f'{wage:,.0f}')} yuan.",
            (swapped(f"{wage:,.0f}"), "not_ours"),
        )
        add(f"{en} scored {s + 0.1:.1f} points in {y}.", (f"{s + 0.1:.1f}", ("not_ours", "other_city", "other_year")))
        add(f"{en}'s score was {s1:.2f} in {y}.", (f"{s1:.2f}", "other_year"))
        add(f"{den} was granted {pat:,.0f} invention patents in {y}.", (f"{pat:,.0f}", "other_city"))
        add(f"见表3和第2.1节，{y}年11月5日，电话0551-63537777，{zh}的12个项目。")
    return made


def tables(f, cities):
    """(above, rows, {(row, column): verdicts}) of four tables; what is not named is right."""
    y, y1 = f.last, f.last - 1
    slips = ("not_ours", "other_city", "other_year")
    first = [["城市", "得分", "排名"]] + [[zh, f"{f.score(c):.2f}", f"{f.rank(c)}"] for c, zh, _ in cities]
    first[2][1] = swapped(first[2][1])
    second = [["City", f"GDP (100 million yuan), {y1}", f"GDP (100 million yuan), {y}"]]
    second += [[en, *(f"{f.value('gdp_nom', c, t) / 1e4:,.2f}" for t in (y1, y))] for c, _, en in cities]
    second[1][2] = second[1][1]
    third = [["指标", *(zh for _, zh, _ in cities)]]
    third += [["地区生产总值（亿元）", *(f"{f.value('gdp_nom', c) / 1e4:.1f}" for c, *_ in cities)]]
    third += [["常住人口（万人）", *(f"{f.value('population_resident', c) / 1e4:.1f}" for c, *_ in cities)]]
    third += [["第三产业占比（%）", *(f"{f.value('tertiary_share', c):.2f}" for c, *_ in cities)]]
    third[2][1], third[2][2] = third[2][2], third[2][1]
    c, _, en = cities[0]
    fourth = [["Year", "Score", "Rank"]] + [[f"{t}", f"{f.score(c, t):.1f}", f"{f.rank(c, t)}"] for t in f.years]
    fourth[-1][1] = f"{f.score(c, y) + 0.2:.1f}"
    return [
        (f"表1 {y}年新质生产力指数得分与排名", first, {(2, 1): slips}),
        ("Table 2. Gross domestic product", second, {(1, 2): ("other_year",)}),
        (f"表3 {y}年主要指标", third, {(2, 1): ("other_city",), (2, 2): ("other_city",)}),
        (
            f"Table 4. Scores of {en} in the index of new quality productive forces",
            fourth,
            {(len(fourth) - 1, 1): slips},
        ),
    ]
