"""What this study computes: specs, one module an analysis, the index. Decides numbers; hashed into method_version."""
