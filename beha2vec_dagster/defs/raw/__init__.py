"""Raw GA4 events: the export's files as daily partitions, and the sensor that sees new files."""
