"""How a release, a table of it or a score is cited: as text, as BibTeX and after GB/T 7714 (2025, 2015)."""

from dataclasses import dataclass

FORMS = ("text", "bibtex", "gbt7714", "gbt7714-2015")
TITLE = "NQPF warehouse: new quality productive forces of Chinese cities"
TITLE_ZH = "中国城市新质生产力数据仓库"
AUTHORS = "The NQPF warehouse contributors"


@dataclass(frozen=True)
class Cited:
    """What a citation names. `part`: a table or a score, "" for the whole release; `sha256` of the published file.
    `url`: where the release is offered, and `day` on which it was read there (yyyy-mm-dd); "" for a file at hand.
    `signed`: who examined and signed it, in the language of the form."""

    release: str
    data_vintage: str
    method_version: str
    year: int
    is_synthetic: bool
    sha256: str = ""
    part: str = ""
    url: str = ""
    day: str = ""
    signed: str = ""


def citation(cited: Cited, form: str) -> str:
    """The citation. `form`: one of FORMS.

    GB/T 7714-2025 wants the carrier of a data set, its version, and of what is online address and day of reading:
    author. title[DS/OL]. version. year[day]. address. Without an address the carrier is the file: DS/DK. The form of
    2015 has the version behind the title too, as most styles set it.
    """
    kept = f"sha256 {cited.sha256[:16]}" if cited.sha256 else ""
    known = (f"data vintage {cited.data_vintage}", f"method {cited.method_version}", kept, cited.signed)
    detail = "; ".join(part for part in known if part)
    release = cited.release + (" (SYNTHETIC demo data, not to be cited as fact)" if cited.is_synthetic else "")
    if form == "bibtex":
        lines = {
            "author": f"{{{AUTHORS}}}",
            "title": f"{{{TITLE}}}",
            "year": str(cited.year),
            "version": release,
            "note": f"{cited.part}; {detail}" if cited.part else detail,
            **({"url": cited.url, "urldate": cited.day} if cited.url else {}),
        }
        body = ",\n".join(f"  {key} = {{{value}}}" for key, value in lines.items())
        return f"@misc{{nqpf_{cited.release.replace('.', '_').replace('-', '_').lower()},\n{body}\n}}"
    read = f"[{cited.day}]. {cited.url}" if cited.url else ""
    if form.startswith("gbt7714"):
        part = f"：{cited.part}" if cited.part else ""
        carrier = "/OL" if cited.url else "" if form == "gbt7714-2015" else "/DK"
        mark = "（SYNTHETIC 合成演示数据，不得作为事实引用）" if cited.is_synthetic else ""
        known = (f"数据版次 {cited.data_vintage}", f"方法 {cited.method_version}", kept, cited.signed)
        version = f"版本 {cited.release}{mark}，{'，'.join(text for text in known if text)}"
        return f"NQPF warehouse contributors. {TITLE_ZH}{part}[DS{carrier}]. {version}. {cited.year}{read}."
    part = f" {cited.part}." if cited.part else ""
    source = f" {cited.url} (read {cited.day})" if cited.url else ""
    return f"{AUTHORS} ({cited.year}). {TITLE}.{part} Release {release}, {detail} [Data set].{source}"
