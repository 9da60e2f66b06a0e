{{ publish_py("kde_curve") }}
