"""Digital attention: longest match, no double counting, versioned dictionary."""

import marshal
import tempfile

import pytest

from python_models.production import Dictionary, attention, digital_attention

TERMS = Dictionary("test-1", {"data": ("大数据", "大数据中心", "云计算"), "industry": ("数字经济", "工业互联网")})


def test_a_term_inside_another_counts_once():
    found = digital_attention("建设大数据中心,发展大数据。", TERMS)
    assert found.hits == 2
    assert found.hits_by_group == {"data": 2, "industry": 0}


def test_groups_add_up_and_share_is_a_percentage():
    text = "加快发展数字经济,推动工业互联网和云计算应用,改善民生。"
    found = digital_attention(text, TERMS)
    assert sum(found.hits_by_group.values()) == found.hits == 3
    assert 0 < found.share_pct < 100
    assert found.tokens == 10  # 加快 发展 数字经济 推动 工业互联网 和 云计算 应用 改善 民生


def test_text_twice_has_the_same_share():
    text = "加快发展数字经济。改善民生。"
    assert digital_attention(text * 2, TERMS).share_pct == pytest.approx(digital_attention(text, TERMS).share_pct)


def test_report_without_a_term_has_share_zero_and_a_missing_report_is_an_error():
    assert digital_attention("改善民生。", TERMS).share_pct == 0
    with pytest.raises(ValueError, match="missing and not 0"):
        digital_attention("  \n", TERMS)


def test_line_breaks_do_not_hide_a_term():
    assert digital_attention("数字\n经济", TERMS).hits == 1


def test_dictionary_has_a_digest_and_refuses_doubles():
    other = Dictionary("test-1", {"data": ("大数据", "云计算"), "industry": ("数字经济", "工业互联网")})
    assert TERMS.digest != other.digest
    assert len(TERMS.digest) == 64
    with pytest.raises(ValueError, match="two places"):
        Dictionary("x", {"a": ("云",), "b": ("云",)})


def test_words_do_not_come_from_a_cache_that_any_program_may_write(tmp_path, monkeypatch):
    text, dictionary = "北京大学和清华大学合作研究", Dictionary("v3", {"data": ("大数据",)})
    before = digital_attention(text, dictionary).tokens
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "jieba.cache").write_bytes(marshal.dumps(({text: 10**9}, 10**9)))  # all of it one word
    attention._tokeniser.cache_clear()
    assert digital_attention(text, dictionary).tokens == before > 1
    assert [file.name for file in tmp_path.iterdir()] == ["jieba.cache"]
