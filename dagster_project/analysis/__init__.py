"""One module an analysis: INPUTS (label -> table or query), TABLES (table -> description), build(frames, seed)."""
