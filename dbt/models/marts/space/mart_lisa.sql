{{ publish_py("lisa") }}
