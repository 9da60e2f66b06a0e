"""From a finished build to what people open: snapshot file, exports, manifest, diff. Reads marts, computes nothing."""
