"""`nqpf mcp`: its contract, forty questions whose answers are computed here a second time, refusals, and stdio."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest
import yaml
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from dagster_project.cli.mcp import server

CONTRACT = Path(__file__).with_name("mcp_contract.json")
GOLDEN = yaml.safe_load(CONTRACT.with_name("mcp_questions.yml").read_text("utf-8"))
REFUSED = [
    ("score", {"city": "Suzhou"}, "2 cities are called 'Suzhou'"),
    ("score", {"city": "Atlantis"}, "No city is called 'Atlantis'"),
    ("score", {"city": "合肥", "year": 1999}, "ask a year between"),
    ("number", {"city": "合肥", "variable": "gdp_nominal"}, "There is no variable 'gdp_nominal'. Ask .*gdp_nom"),
    ("compare", {"city": "合肥", "other": "Hefei"}, "compared with itself"),
    ("gap", {"scheme": "north"}, "There is no scheme 'north'"),
    ("what_changed", {}, "first release"),
    ("whatif", {"drop": ["n9"]}, "no indicator 'n9'"),
    ("ask", {"id": "total"}, "their sum is no total"),
    ("ask", {"id": "total", "variable": "gdp_per_capita_nom"}, "it has no sum|their sum is no total"),
    ("ask", {"id": "rankings"}, "There is no question 'rankings'"),
    ("ask", {"id": "ranking", "city": "合肥"}, "ranking takes year, not city"),
    ("ask", {"id": "score"}, "score needs city"),
    ("ask", {"id": "cite"}, "nqpf cite"),
    ("check", {"text": "Nothing is counted here."}, "put city, year and variable beside"),
    ("sql", {"statement": "select avg(rank_year) from easy.ranking"}, "ask the median rank"),
    ("sql", {"statement": "select avg(gini) from easy.inequality"}, "inequality_shares"),
    ("sql", {"statement": "select avg(score_100) from mart.city_ranking"}, "say index_code or is_headline"),
    ("sql", {"statement": "select coef as effect from mart.mart_panel_coef"}, "ask `effects`"),
    ("sql", {"statement": "copy easy.ranking to '/tmp/never.csv'"}, "COPY is refused"),
    ("sql", {"statement": "select 1; select 2"}, "one SELECT a call"),
    ("sql", {"statement": "from read_text('/etc/passwd')"}, "disabled by configuration"),
]


@pytest.fixture(scope="module")
def call(small_warehouse):
    """The tools through a client in memory."""
    made = server(small_warehouse.paths)

    async def one(name, arguments):
        async with Client(made) as client:
            return await client.call_tool(name, arguments)

    return lambda name, arguments: asyncio.run(one(name, arguments))


def test_the_contract_is_that_of_the_snapshot(small_warehouse):
    """NQPF_RENEW=1 writes it anew; every tool but find gives the one typed answer."""
    made = server(small_warehouse.paths)

    async def read():
        async with Client(made) as client:
            tools = (await client.list_tools()).tools
            places = [r.uri for r in (await client.list_resources()).resources]
            places += [t.uri_template for t in (await client.list_resource_templates()).resource_templates]
            return tools, places, [p.name for p in (await client.list_prompts()).prompts]

    tools, places, prompts = asyncio.run(read())
    assert all(tool.annotations.read_only_hint for tool in tools)
    (shape,) = {json.dumps(tool.output_schema, sort_keys=True) for tool in tools if tool.name != "find"}
    found = {
        "tools": {t.name: {"description": t.description, "input": t.input_schema} for t in tools},
        "answer": json.loads(shape),
        "resources": list(map(str, places)),
        "prompts": prompts,
    }
    text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if os.environ.get("NQPF_RENEW"):
        CONTRACT.write_text(text, encoding="utf-8")
    assert text == CONTRACT.read_text("utf-8")


@pytest.mark.parametrize("asked", GOLDEN, ids=[f"{n}-{g['tool']}" for n, g in enumerate(GOLDEN)])
def test_the_answer_is_that_of_a_query_of_its_own(small_warehouse, call, asked):
    tool, arguments = asked["tool"], asked["with"]
    found = call(tool, arguments)
    assert not found.is_error, found.content
    given, frame = found.structured_content, small_warehouse.published(asked["sql"])
    expected = None if frame.empty else frame.iloc[0, 0]
    assert given["value"] == (pytest.approx(expected, rel=1e-9) if not isinstance(expected, str | None) else expected)
    assert given["is_synthetic"]
    assert given["sentence"].startswith("SYNTHETIC")
    assert given["release"] in given["citation"]
    assert given["key"].startswith(f"nqpf:{arguments.get('id', tool)}")
    assert given["statement"]
    assert len(json.dumps(given["rows"], ensure_ascii=False)) < 25_000


def test_a_text_is_checked_figure_by_figure(call):
    score = call("score", {"city": "合肥"}).structured_content
    said = f"合肥{score['year']}年得分为{{:.1f}}分。"
    text = "\n\n".join(said.format(score["value"] + more) for more in (0, 7))
    found = call("check", {"text": text}).structured_content
    assert (found["value"], found["n"]) == (1, 2)
    assert found["rows"][0][3] in ("equal", "rounded")


@pytest.mark.parametrize(("tool", "arguments", "words"), REFUSED, ids=range(len(REFUSED)))
def test_a_refusal_says_what_to_ask_instead(call, tool, arguments, words):
    found = call(tool, arguments)
    assert found.is_error
    assert re.search(words, found.content[0].text), found.content[0].text


def test_what_is_too_long_is_cut_and_that_is_said(call):
    found = call("sql", {"statement": "select repeat('x', 5000) as long from range(1000)"}).structured_content
    assert len(found["rows"]) < found["n"] == 200
    assert len(found["rows"][0][0]) == 201
    assert any("The first 200 rows" in flag for flag in found["flags"])
    assert any(f"{len(found['rows'])} of 200 rows are here" in flag for flag in found["flags"])


def test_a_program_talks_to_it_over_stdio(small_warehouse):
    where = ["-m", "dagster_project.cli.main", "mcp", "--warehouse", str(small_warehouse.paths.warehouse)]

    async def session():
        async with Client(stdio_client(StdioServerParameters(command=sys.executable, args=where))) as client:
            found = (await client.call_tool("find", {"words": "基尼系数"})).structured_content["result"]
            score = (await client.call_tool("score", {"city": "合肥"})).structured_content
            texts = [
                (await client.read_resource(f"nqpf://{place}")).contents[0].text
                for place in ("glossary", "traps", "method/entropy", "table/ranking")
            ]
            prompt = (await client.get_prompt("quote")).messages[0].content.text
            return found, score, texts, prompt

    found, score, texts, prompt = asyncio.run(session())
    assert found[0]["id"] == "inequality"
    assert score["unit"] == "points"
    words = ("新质生产力", "Two cities", "weight", "score_100", "citation")
    for text, word in zip([*texts, prompt], words, strict=True):
        assert word in text
