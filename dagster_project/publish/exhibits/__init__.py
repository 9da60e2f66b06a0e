"""Every table and chart of the study, defined once: query, columns, words, chart. Site and paper are skins."""
