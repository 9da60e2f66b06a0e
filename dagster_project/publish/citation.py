"""How a release, a table of it or a score is cited: as text, as BibTeX and after GB/T 7714."""

from dataclasses import dataclass

FORMS = ("text", "bibtex", "gbt7714")
TITLE = "NQPF warehouse: new quality productive forces of Chinese cities"
TITLE_ZH = "中国城市新质生产力数据仓库"
AUTHORS = "The NQPF warehouse contributors"


@dataclass(frozen=True)
class Cited:
    """What a citation names. `part`: a table or a score, "" for the whole release; `sha256` of the published file."""

    release: str
    data_vintage: str
    method_version: str
    year: int
    is_synthetic: bool
    sha256: str = ""
    part: str = ""


def citation(cited: Cited, form: str) -> str:
    """The citation. `form`: text, bibtex or gbt7714."""
    kept = f"sha256 {cited.sha256[:16]}" if cited.sha256 else ""
    known = (f"data vintage {cited.data_vintage}", f"method {cited.method_version}", kept)
    detail = "; ".join(part for part in known if part)
    release = cited.release + (" (SYNTHETIC demo data, not to be cited as fact)" if cited.is_synthetic else "")
    if form == "bibtex":
        lines = {
            "author": f"{{{AUTHORS}}}",
            "title": f"{{{TITLE}}}",
            "year": str(cited.year),
            "version": release,
            "note": f"{cited.part}; {detail}" if cited.part else detail,
        }
        body = ",\n".join(f"  {key} = {{{value}}}" for key, value in lines.items())
        return f"@misc{{nqpf_{cited.release.replace('.', '_').replace('-', '_').lower()},\n{body}\n}}"
    if form == "gbt7714":
        part = f"：{cited.part}" if cited.part else ""
        return f"NQPF warehouse contributors. {TITLE_ZH}{part}[DS]. 版本 {release}, {detail}. {cited.year}."
    part = f" {cited.part}." if cited.part else ""
    return f"{AUTHORS} ({cited.year}). {TITLE}.{part} Release {release}, {detail} [Data set]."
