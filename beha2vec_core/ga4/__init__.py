"""The GA4 export: its schema, readers for the forms people have it in, quarantine of unreadable rows, a demo export."""
