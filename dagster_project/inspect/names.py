"""Names and units of the raw columns that the method needs: what `inspect` calls a variable of the house.

This is the one home of the difference. A variable that is not named here has the list's name, or none in the list; a
canonical unit of the house is the list's unit under a code, but for the two below.
"""

RAW_COLUMNS = {
    "telecom_revenue_nom": "telecom_revenue",
    "retail_sales_nom": "retail_sales",
    "loans_balance_nom": "loans_balance",
    "bigdata_firms_stock": "bigdata_cloud_iot_firms",
}
SECTOR = "emp_sector_"  # employment of the 19 sectors is emp_<sector> in the list
UNITS = {
    "persons": "persons",
    "yuan10k": "10k yuan",
    "yuan": "yuan",
    "usd10k": "10k US dollars",
    "percent": "percent",
    "accounts": "accounts",
    "count": "count",
    "t": "t",
    "km2": "km2",
    "m3": "m3",
    "km": "km",
    "kwh10k": "10k kWh",
    "ug_m3": "ug/m3",
    "index": "index",
    "index_prev100": "previous year = 100",
    "person_trips": "person trips",
}
# unit of the list, and what a figure in the house's unit is multiplied by
OTHER_UNITS = {"road_area": ("m2", 1e6), "express_parcels": ("10k pieces", 1e-4)}
# the built-up area is a figure of the urban districts: the one exception of the list, which knows two scopes
SCOPES = {"city": "city", "district": "district", "built_up": "district"}


def raw_column(variable_code: str) -> str:
    """Name of a variable in the list of raw columns; a variable that the list lacks keeps its code."""
    if variable_code.startswith(SECTOR):
        return "emp_" + variable_code.removeprefix(SECTOR)
    return RAW_COLUMNS.get(variable_code, variable_code)


def unit_of(variable_code: str, unit: str) -> tuple[str, float]:
    """(unit as the list writes it, factor from the house's canonical unit); a unit that it lacks keeps its code."""
    return OTHER_UNITS.get(variable_code, (UNITS.get(unit, unit), 1.0))


def scope_of(scope: str) -> str:
    """The scope as the list knows it: city or district."""
    return SCOPES.get(scope, scope)
