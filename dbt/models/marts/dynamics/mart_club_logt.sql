{{ publish_py("club_logt") }}
