{{ publish_py("kde_feature") }}
