{{ publish_py("regional_boundary") }}
