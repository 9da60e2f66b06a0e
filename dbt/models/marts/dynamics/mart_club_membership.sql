{{ publish_py("club_membership") }}
