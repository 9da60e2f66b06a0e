-- Which cities converge in one club, and how stable is their membership?
-- 哪些城市收敛于同一俱乐部？成员身份有多稳定？
-- Columns: index_code, club_id_final, n_city, mean_stability, least_stable, cities
select
    m.index_code,
    m.club_id_final,
    count(*) as n_city,
    avg(m.stability_share) as mean_stability,
    min(m.stability_share) as least_stable,
    string_agg(c.name_zh, '、' order by m.relative_last desc) as cities
from mart.mart_club_membership as m
inner join mart.dim_city as c on m.city_id = c.city_id
where m.basis in (select basis from mart.dim_index)
group by m.index_code, m.club_id_final
order by m.index_code, m.club_id_final
