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


def citation(of: Cited, form: str) -> str:
    """The citation. `form`: one of FORMS.

    GB/T 7714-2025 wants the carrier of a data set, its version, and of what is online address and day of reading:
    author. title[DS/OL]. version. year[day]. address. Without an address the carrier is the file: DS/DK. The form of
    2015 has the version behind the title too, as most styles set it.
    """
    digest = f"sha256 {of.sha256[:16]}" if of.sha256 else ""
    details = (f"data vintage {of.data_vintage}", f"method {of.method_version}", digest, of.signed)
    detail = "; ".join(part for part in details if part)
    release = of.release + (" (SYNTHETIC demo data, not to be cited as fact)" if of.is_synthetic else "")
    if form == "bibtex":
        lines = {
            "author": f"{{{AUTHORS}}}",
            "title": f"{{{TITLE}}}",
            "year": str(of.year),
            "version": release,
            "note": f"{of.part}; {detail}" if of.part else detail,
            **({"url": of.url, "urldate": of.day} if of.url else {}),
        }
        body = ",\n".join(f"  {key} = {{{value}}}" for key, value in lines.items())
        return f"@misc{{nqpf_{of.release.replace('.', '_').replace('-', '_').lower()},\n{body}\n}}"
    read = f"[{of.day}]. {of.url}" if of.url else ""
    if form.startswith("gbt7714"):
        part = f"：{of.part}" if of.part else ""
        carrier = "/OL" if of.url else "" if form == "gbt7714-2015" else "/DK"
        mark = "（SYNTHETIC 合成演示数据，不得作为事实引用）" if of.is_synthetic else ""
        details = (f"数据版次 {of.data_vintage}", f"方法 {of.method_version}", digest, of.signed)
        version = f"版本 {of.release}{mark}，{'，'.join(text for text in details if text)}"
        return f"NQPF warehouse contributors. {TITLE_ZH}{part}[DS{carrier}]. {version}. {of.year}{read}."
    part = f" {of.part}." if of.part else ""
    source = f" {of.url} (read {of.day})" if of.url else ""
    return f"{AUTHORS} ({of.year}). {TITLE}.{part} Release {release}, {detail} [Data set].{source}"
