{{ publish_py("center_ellipse") }}
