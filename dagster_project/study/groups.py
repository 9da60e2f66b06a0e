"""Groups of cities: the schemes of dim_group_scheme with what each is for, and who belongs where in which year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dagster_project.study.frames import Frames, by_city
from python_models._types import BoolArray

type ObjectArray = NDArray[np.object_]
ALL, PROVINCE = "all", "province"  # made of the cities themselves, no scheme of the seed


@dataclass(frozen=True, eq=False)
class Groups:
    """schemes: scheme, sort_no, role, is_main, is_split, is_partition, centre_group, outside_group;
    memberships: city_id, scheme, group_code, valid_from, valid_to; city: city_id, province_code, admin_tier."""

    schemes: pd.DataFrame
    memberships: pd.DataFrame
    city: pd.DataFrame

    @classmethod
    def read(cls, frames: Frames) -> Groups:
        """From frames `schemes`, `groups` and, for provinces and tiers, `city`. A scheme without a member is none."""
        with_members = set(frames["groups"]["scheme"])
        schemes = frames["schemes"].sort_values("sort_no")
        city = frames.get("city", pd.DataFrame(columns=["city_id", "province_code", "admin_tier"]))
        return cls(schemes[schemes["scheme"].isin(with_members)], frames["groups"], city)

    def splits(self, *, whole: bool = False) -> tuple[str, ...]:
        """Schemes that every comparison of groups makes. whole: only those in which every city has a group."""
        is_split = self.schemes["is_split"] & (self.schemes["is_partition"] | (not whole))
        return tuple(self.schemes.loc[is_split, "scheme"])

    def centres(self) -> dict[str, str]:
        """Scheme -> its centre, of the splits into centre and periphery that every city is part of."""
        return {scheme: centre for scheme in self.splits(whole=True) if (centre := self.centre_of(scheme))}

    def regions(self) -> tuple[str, ...]:
        """Schemes in whose groups provinces nest, the main one first."""
        regions = self.schemes[(self.schemes["role"] == "region") & self.schemes["is_split"]]
        return tuple(regions.sort_values("is_main", ascending=False, kind="stable")["scheme"])

    def main(self, role: str) -> str:
        """The scheme that is used where only one can be: of regions, centres or lists; '' if there is none."""
        schemes = self.schemes.loc[(self.schemes["role"] == role) & self.schemes["is_main"], "scheme"]
        return str(schemes.iloc[0]) if len(schemes) else ""

    def centre_of(self, scheme: str) -> str:
        """Group code of the centre, '' for a scheme without one."""
        return self._fact(scheme, "centre_group")

    def outside_of(self, scheme: str) -> str:
        """Group code of the cities outside every named group."""
        return self._fact(scheme, "outside_group")

    def _fact(self, scheme: str, name: str) -> str:
        facts = self.schemes.loc[self.schemes["scheme"] == scheme, name].dropna()
        return str(facts.iloc[0]) if len(facts) else ""

    def of(self, scheme: str, cities: Sequence[str], year: int | None = None) -> ObjectArray:
        """Group code of each city in that year, else today; None where it is in no group of the scheme."""
        if scheme == ALL:
            return np.full(len(cities), ALL, dtype=object)
        if scheme == PROVINCE:
            codes = by_city(self.city, "province_code", cities).astype(object)
        else:
            members = self.memberships[self.memberships["scheme"] == scheme]
            valid = members["valid_to"].isna()
            if year is not None:
                valid = (members["valid_from"].fillna(0) <= year) & (valid | (members["valid_to"] >= year))
            codes = by_city(members[valid], "group_code", cities).astype(object)
        return np.asarray(codes.where(codes.notna(), None), dtype=object)

    def labels(self, cities: Sequence[str]) -> dict[str, pd.Series[str]]:
        """Of each split that parts these cities and leaves none out: their group codes, indexed by city."""
        labels = {}
        for scheme in self.splits(whole=True):
            label = pd.Series(self.of(scheme, cities), index=list(cities), dtype=object)
            if label.notna().all() and label.nunique() > 1:
                labels[scheme] = label
        return labels

    def masks(self, scheme: str, cities: Sequence[str]) -> dict[str, BoolArray]:
        """Cities of each group that has any; those outside every named group are none."""
        label = self.of(scheme, cities)
        codes = sorted({str(code) for code in label if code is not None} - {self.outside_of(scheme)})
        return {code: np.asarray(label == code, dtype=np.bool_) for code in codes}

    def members(self, cities: Sequence[str], schemes: Sequence[str]) -> list[tuple[str, str, BoolArray]]:
        """(scheme, group, mask of its cities), everybody first as scheme and group `all`."""
        everybody = (ALL, ALL, np.ones(len(cities), dtype=np.bool_))
        return [everybody, *((s, code, mask) for s in schemes for code, mask in self.masks(s, cities).items())]

    def clusters(self, cities: Sequence[str]) -> dict[str, BoolArray]:
        """The named clusters of the main list."""
        return self.masks(self.main("list"), cities)

    def is_core(self, cities: Sequence[str]) -> BoolArray:
        """The centre of the main scheme of centre and periphery; nobody where there is no such scheme."""
        scheme = self.main("centre")
        return np.asarray(self.of(scheme, cities) == self.centre_of(scheme), dtype=np.bool_)

    def is_municipality(self, cities: Sequence[str]) -> BoolArray:
        """The cities that are provinces of their own."""
        return np.asarray(by_city(self.city, "admin_tier", cities) == "municipality", dtype=np.bool_)
