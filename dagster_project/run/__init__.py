"""What every door needs: lock, kind of data, status, failures, step names. Knows neither Dagster nor the study."""
