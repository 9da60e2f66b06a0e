"""Tables of the warehouse from labelled frames: which method for which year, group and scheme. No files, no SQL."""
