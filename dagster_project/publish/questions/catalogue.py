"""questions.yml: the questions that are known to be right, and which of them somebody means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dagster_project.errors import Refusal

FILE = Path(__file__).with_name("questions.yml")
WORD = re.compile(r"[a-z0-9_]+|[\u4e00-\u9fff]+")
COMMON = re.compile(r"a|an|and|are|by|do|does|for|from|has|have|how|in|is|it|of|on|or|the|to|what|which|who|with")


@dataclass(frozen=True)
class Parameter:
    """`like`: the kind it is read as. `among`: the query of the values it may have. `default`: a value, or 'last'."""

    name: str
    words: str
    example: str | int
    like: str | None = None
    among: str | None = None
    default: str | int | None = None


@dataclass(frozen=True)
class Question:
    """One entry of questions.yml; what its fields mean stands at its top."""

    id: str
    en: str
    zh: str
    also: Sequence[str] = ()
    parameters: Sequence[str] = ()
    sql: str | None = None
    command: str | None = None
    figure: Sequence[str | None] = (None,) * 5
    says: Mapping[str, str] = field(default_factory=dict)
    refuse: Sequence[Mapping[str, str]] = ()
    reason: str | None = None
    nothing: Mapping[str, str] = field(default_factory=dict)
    trap: str = ""

    @property
    def examples(self) -> dict[str, str | int]:
        """Values of the parameters that must be given."""
        return {name: parameters()[name].example for name in self.parameters if parameters()[name].default is None}

    @property
    def line(self) -> str:
        """What a person types."""
        options = [f"--{name} {value}" for name, value in self.examples.items()]
        return f"nqpf {self.command}" if self.command else " ".join([f"nqpf ask {self.id}", *options])


@cache
def _content() -> dict[str, Any]:
    return dict(yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader))


@cache
def parameters() -> dict[str, Parameter]:
    """Parameters of all questions by name."""
    return {name: Parameter(name, **entry) for name, entry in _content()["parameters"].items()}


@cache
def questions() -> dict[str, Question]:
    """All questions by id, in the order of the file."""
    return {entry["id"]: Question(**entry) for entry in _content()["questions"]}


def question(name: str) -> Question:
    """The question of that id. Raises Refusal with those most alike."""
    if name in questions():
        return questions()[name]
    near = ", ".join(f"{q.id} ({q.en})" for q in find(name.replace("_", " "))[:3]) or ", ".join(questions())
    raise Refusal(f"There is no question '{name}'. Ask one of: {near}")


def find(words: str) -> list[Question]:
    """Questions that share words with the text, the most first: whole words, and pairs of Chinese characters."""
    tokens = _tokens(words)
    texts = {q.id: " ".join((q.id.replace("_", " "), q.en, q.zh, *q.also)) for q in questions().values()}
    score_of = {name: len(tokens & _tokens(text)) for name, text in texts.items()}
    return sorted((q for q in questions().values() if score_of[q.id]), key=lambda q: -score_of[q.id])


def _tokens(text: str) -> set[str]:
    """Words without their plural s, and every two neighbouring Chinese characters."""
    tokens = set[str]()
    for word in WORD.findall(text.casefold()):
        if word.isascii():
            tokens.add(word.removesuffix("s") if len(word) > 3 else word)
        else:
            tokens |= {word[k : k + 2] for k in range(max(1, len(word) - 1))}
    return {word for word in tokens if not COMMON.fullmatch(word)}
