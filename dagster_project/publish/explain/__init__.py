"""Why a score is what it is: read from the published file, told in sentences or as JSON. No score is computed here."""
