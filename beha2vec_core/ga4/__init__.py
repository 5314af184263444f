"""The GA4 export: its schema, readers for the forms people have it in, quarantine of unreadable rows, a demo export."""

# GA4 corrects a day for up to 72 hours
CORRECTED_DAYS = 3
