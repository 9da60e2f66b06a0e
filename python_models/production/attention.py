"""Digital attention of a government: share of dictionary terms in the words of its work report."""

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WORD = re.compile(r"[\w]", re.UNICODE)
CLAUSE = re.compile("[，。、；：！？]")  # no word goes across them


@dataclass(frozen=True)
class Dictionary:
    """A versioned list of terms: group -> terms. A term belongs to one group."""

    version: str
    groups: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        terms = [term for group in self.groups.values() for term in group]
        double = {term for term in terms if terms.count(term) > 1}
        if double:
            raise ValueError(f"terms in two places of the dictionary: {', '.join(sorted(double))}.")
        if not terms or not all(term.strip() for term in terms):
            raise ValueError("the dictionary needs at least one term, and no empty one.")

    @property
    def digest(self) -> str:
        """sha256 of version, groups and terms: changes when a term does."""
        lines = [f"{g}\t{t}" for g in sorted(self.groups) for t in sorted(self.groups[g])]
        return hashlib.sha256("\n".join([self.version, *lines]).encode()).hexdigest()


@dataclass(frozen=True)
class Attention:
    """tokens: words of the text; hits: dictionary terms found, longest first, none counted twice; by group."""

    tokens: int
    hits: int
    hits_by_group: dict[str, int]
    report_hash: str

    @property
    def share_pct(self) -> float:
        """100 hits / tokens; NaN for a text without words."""
        return 100 * self.hits / self.tokens if self.tokens else float("nan")


def digital_attention(text: str, dictionary: Dictionary) -> Attention:
    """Share of dictionary terms in the words of one report.

    Parameters
    ----------
    text : str
        The report. A missing report is missing, not 0.
    dictionary : Dictionary
        Version and terms by topic.

    Returns
    -------
    Attention
        Tokens and hits.

    Raises
    ------
    ValueError
        An empty text.

    Notes
    -----
    Terms are matched on the text, the longest first, so that a term inside another is counted once; tokens are the
    words of the pinned tokeniser (jieba, its terms joined by those of the dictionary) without punctuation.

    Examples
    --------
    >>> from python_models.production import Dictionary, digital_attention
    >>> words = Dictionary("v1", {"data": ("大数据",)})
    >>> attention = digital_attention("发展大数据产业。", words)
    >>> attention.tokens, attention.hits
    (3, 1)
    """
    clean = re.sub(r"\s+", "", text)
    if not clean:
        raise ValueError("the report has no text: leave it out, a missing report is missing and not 0.")
    group_of = {term: group for group, terms in dictionary.groups.items() for term in terms}
    hits = dict.fromkeys(sorted(dictionary.groups), 0)
    for match in _pattern(tuple(sorted(group_of, key=lambda t: (-len(t), t)))).finditer(clean):
        hits[group_of[match.group()]] += 1
    terms = tuple(sorted(group_of))
    n_words = sum(_n_words(clause, terms) for clause in CLAUSE.split(clean))
    return Attention(n_words, sum(hits.values()), hits, hashlib.sha256(clean.encode()).hexdigest())


@functools.lru_cache(maxsize=10_000)
def _n_words(clause: str, terms: tuple[str, ...]) -> int:
    """Reports say many a clause again."""
    return sum(WORD.search(word) is not None for word in _tokeniser(terms).cut(clause, HMM=False))


@functools.lru_cache(maxsize=8)
def _pattern(terms: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(term) for term in terms))


@functools.lru_cache(maxsize=8)
def _tokeniser(terms: tuple[str, ...]) -> Any:
    """A tokeniser of its own, so that no other user of jieba sees the dictionary's terms.

    Its words are read from the installed package. Left alone, jieba would take them from a cache in the folder for
    temporary files, unchecked: there any program of the machine may have put others.
    """
    import jieba  # here: the library is installed without it, and nothing else needs it

    jieba.setLogLevel("WARNING")
    tokeniser = jieba.Tokenizer()
    tokeniser.FREQ, tokeniser.total = tokeniser.gen_pfdict(tokeniser.get_dict_file())
    tokeniser.initialized = True
    for term in terms:
        tokeniser.add_word(term)
    return tokeniser
