"""Labels found in real files that no rule gives, each with the reason it stands for this unit.

Row: alias, six-digit code of the unit, first year, last year, kind, source, reason.
None = open, "" = any source.
"""

# fmt: off
Row = tuple[str, str, int | None, int | None, str, str, str]

_OCR = "misread character in the yearbook edition of 2019"
_KEEPS = "the file keeps the name of the abolished unit; the unit ended in {}"
_OLD = "the file keeps the former name in later years"
_BARE_JILIN = "bare name; in this file it is the province row, the city is printed 吉林市"
_BARE_HAINAN = "bare name; province row, the prefecture is not in this file"

OCR: list[Row] = [
    ("麥庄市", "370400", 2018, 2018, "ocr", "", f"枣庄市: {_OCR}"),
    ("荷泽市", "371700", 2018, 2018, "ocr", "", f"菏泽市: {_OCR}"),
    ("深河市", "411100", 2018, 2018, "ocr", "", f"漯河市: {_OCR}"),
    ("常徳市", "430700", 2018, 2018, "ocr", "", f"常德市: {_OCR}"),
    ("脩州市", "460400", 2018, 2018, "ocr", "", f"儋州市: {_OCR}"),
    (
        "海门市",
        "320684",
        2020,
        2020,
        "former",
        "county_tables",
        "the edition prints the name of the unit that became 海门区 in July 2020",
    ),
    ("邛峡市", "510183", 2023, 2023, "ocr", "county_tables", "邛崃市: misread in the yearbook edition of 2024"),
    ("那曲冇", "540600", 2018, 2018, "ocr", "", f"那曲市: {_OCR}"),
    ("西藏自冶区", "540000", 2018, 2018, "ocr", "", f"西藏自治区: {_OCR}"),
    ("毫州市", "341600", None, None, "ocr", "", "亳州市: common misreading of the first character"),
    ("毫州", "341600", None, None, "ocr", "", "亳州: common misreading of the first character"),
]

NATION_AND_PROVINCES: list[Row] = [
    ("中国", "000000", None, None, "short", "", "nation row of compiled files"),
    ("全国总计", "000000", None, None, "short", "", "nation row of the yearbook"),
    ("全国合计", "000000", None, None, "short", "", "nation row of the yearbook"),
    ("吉林", "220000", None, None, "short", "yearbook", _BARE_JILIN),
    ("吉林", "220000", None, None, "short", "yearbook_wide", _BARE_JILIN),
    ("吉林", "220000", None, None, "short", "road_area", _BARE_JILIN),
    ("吉林", "220200", None, None, "short", "fdi", "bare name; the file holds cities only"),
    ("海南", "460000", None, None, "short", "yearbook", _BARE_HAINAN),
    ("海南", "460000", None, None, "short", "yearbook_wide", _BARE_HAINAN),
    ("海南", "460000", None, None, "short", "road_area", _BARE_HAINAN),
]

COMPILED_FILES: list[Row] = [
    ("襄阳(襄樊)", "420600", None, None, "short", "road_area", "name with the former name in brackets"),
    ("普洱(思茅)", "530800", None, None, "short", "road_area", "name with the former name in brackets"),
    ("哈密\u200b\u200b", "650500", None, None, "short", "fdi", "two zero-width blanks follow the name"),
    ("伊犁地区", "654000", None, 2001, "former", "", "abolished 2001, counties came under the prefecture"),
    ("莱芜", "371200", None, None, "short", "", "figures after 2018 are not those of a city"),
    ("巢湖", "341400", None, 2010, "short", "", "from 2011 a county-level city bears this name"),
    ("襄樊", "420600", None, 2010, "former", "", "襄阳 since November 2010"),
    ("思茅", "530800", None, 2007, "former", "", "普洱 since January 2007"),
    ("襄樊市", "420600", 2011, 2011, "former", "", "the yearbook prints the old name a year longer"),
    ("思茅市", "530800", 2008, 2012, "former", "", "the yearbook prints the old name five years longer"),
    ("城市合计", "000000", None, None, "short", "", "total of the cities in the yearbooks to edition 2016"),
    *(
        ("巢湖市", "341400", 2011, None, "official", source, _KEEPS.format(2010))
        for source in ("panel_policies", "panel_macro", "finance")
    ),
    *(
        ("莱芜市", "371200", 2019, None, "official", source, _KEEPS.format(2018))
        for source in ("panel_policies", "panel_macro", "finance", "pku_dfi")
    ),
    ("巢湖", "341400", 2011, None, "short", "fdi", _KEEPS.format(2010)),
    ("吐鲁番地区", "650400", 2016, None, "former", "industry_structure", _OLD),
    *(
        (name, code, start, None, "former", "pku_dfi", "name column of the 2014 vintage, kept in all years")
        for name, code, start in (
            ("吐鲁番地区", "650400", 2016), ("哈密地区", "650500", 2017), ("山南地区", "540500", 2017),
            ("林芝地区", "540400", 2016), ("那曲地区", "540600", 2018),
        )
    ),
]

CODES: list[Row] = [
    ("469003", "460400", None, None, "code", "", "code of 儋州 as a county-level city, until 2014"),
    ("654100", "654000", None, 2000, "code", "", "code of 伊犁地区, abolished 2001"),
    ("342600", "341400", 2000, 2010, "code", "road_area", "the file keeps the code of 巢湖地区 for the city"),
    ("341521", "340422", None, None, "code", "", "code of 寿县 under 六安, until 2015"),
    ("340823", "340722", None, None, "code", "", "code of 枞阳县 under 安庆, until 2015"),
    ("512081", "510185", None, None, "code", "", "code of 简阳 under 资阳, until 2016"),
    ("220381", "220184", None, None, "code", "", "code of 公主岭 under 四平, until 2020"),
]

ENGLISH: list[Row] = [
    ("Jilin", "220000", None, None, "english", "pku_dfi_province", "the file holds provinces only"),
    ("Hainan", "460000", None, None, "english", "pku_dfi_province", "the file holds provinces only"),
    ("Xizang", "540000", None, None, "english", "", "pinyin name, yearbook from edition 2024"),
    ("Erdos", "150600", None, None, "english", "", "spelling of the yearbook"),
    ("Xigaze", "540200", None, None, "english", "", "spelling of the yearbook"),
    ("Lvliang", "141100", None, None, "english", "", "spelling of the yearbook"),
    ("Maanshan", "340500", None, None, "english", "", "spelling of the yearbook without apostrophe"),
    ("NationalTotal", "000000", None, None, "english", "", "nation row of the yearbook"),
]

SPOKEN: list[Row] = [  # what people type who look for a city of another English name
    *(
        (name, code, None, None, "pinyin", "", f"{zh} by its syllables")
        for name, code, zh in (
        ("Huhehaote", "150100", "呼和浩特"), ("Eerduosi", "150600", "鄂尔多斯"), ("Hulunbeier", "150700", "呼伦贝尔"),
        ("Bayannaoer", "150800", "巴彦淖尔"), ("Wulanchabu", "150900", "乌兰察布"), ("Xing'an", "152200", "兴安"),
        ("Xilinguole", "152500", "锡林郭勒"), ("Alashan", "152900", "阿拉善"), ("Haerbin", "230100", "哈尔滨"),
        ("Qiqihaer", "230200", "齐齐哈尔"), ("Ganzi", "513300", "甘孜"), ("Lasa", "540100", "拉萨"), ("Rikaze",
        "540200", "日喀则"), ("Changdu", "540300", "昌都"), ("Linzhi", "540400", "林芝"), ("Naqu", "540600", "那曲"),
        ("Ali", "542500", "阿里"), ("Guoluo", "632600", "果洛"), ("Wulumuqi", "650100", "乌鲁木齐"), ("Kelamayi",
        "650200", "克拉玛依"), ("Tulufan", "650400", "吐鲁番"), ("Boertala", "652700", "博尔塔拉"), ("Bayinguoleng",
        "652800", "巴音郭楞"), ("Akesu", "652900", "阿克苏"), ("Kezilesu", "653000", "克孜勒苏"), ("Kashi", "653100",
        "喀什"), ("Hetian", "653200", "和田"), ("Yili", "654000", "伊犁"), ("Aletai", "654300", "阿勒泰"),
        )
    ),
    ("哈市", "230100", None, None, "short", "", "哈尔滨 in speech"),
]

REVIEWED: list[Row] = OCR + NATION_AND_PROVINCES + COMPILED_FILES + CODES + ENGLISH + SPOKEN
