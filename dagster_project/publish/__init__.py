"""From finished tables to releases, pages, exports and explanations. Never opens the build file."""
