"""What only the build file knows of earlier releases, read back from the newest of them when the build file is new.

Cells, loads and verdicts come again from the landing files. The names of data vintages and the list of runs do not:
without them the next vintage would take a name that is already used.
"""

from dagster_project.paths import Paths
from dagster_project.publish.release.folder import known_releases
from dagster_project.published import sql_path
from dagster_project.store import Warehouse

FROM_PUBLISHED = ("ops.vintage", "ops.run_log")


def recall(paths: Paths, warehouse: Warehouse) -> list[str]:
    """Fill a new build file with the memory of the releases; returns the data vintages that are known again."""
    files = (paths.releases / row["release"] / "city.duckdb" for row in known_releases(paths))
    file = next((file for file in files if file.exists()), None)
    with warehouse.connect() as con:
        if file is None or con.execute("select count(*) from ops.vintage").fetchall() != [(0,)]:
            return []
        con.execute(f"attach '{sql_path(file)}' as release (read_only)")
        con.execute("begin")
        for table in FROM_PUBLISHED:
            con.execute(f"delete from {table}")
            con.execute(f"insert into {table} by name select * from release.{table}")
        con.execute("commit")
        con.execute("detach release")
        names = con.execute("select data_vintage from ops.vintage order by created_at").fetchall()
    return [str(row[0]) for row in names]
