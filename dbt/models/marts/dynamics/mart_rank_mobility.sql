{{ publish_py("rank_mobility") }}
